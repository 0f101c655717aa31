"""What `run` tells of what happens: lines for a person, or a line of JSON for each thing."""

from __future__ import annotations

from collections.abc import Sequence

import click

from worker_manager.cli.results import Event, letter_of
from worker_manager.cli.terminal import letters
from worker_manager.cli.terminal.columns import cut, fill
from worker_manager.cli.terminal.live_area import Live
from worker_manager.cli.terminal.output import emit, in_color, print_wrapped
from worker_manager.cli.terminal.worker_table import now_of
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Worker
from worker_manager.state.workers.records import now
from worker_manager.text import rendering
from worker_manager.text.figures import age, clock

_STATUS_COLUMNS = 9


class Reporter:
    """Tells of workers; the statuses also live, at the end of a terminal."""

    def __init__(self, live: Live, *, as_json: bool) -> None:
        self._live = live
        self._as_json = as_json
        self._told: dict[str, tuple[str, str]] = {}
        #: Types of the letters that were shown of each worker.
        self.letters: dict[str, set[str]] = {}

    def say(self, event: str, worker: Worker, text: str) -> None:
        """A thing that happened, in words of ours."""
        if self._as_json:
            self._emit(event, worker, text)
        else:
            self._live.clear()
            print_wrapped(text)

    def letter(self, worker: Worker, message: Message) -> None:
        """A letter, whole."""
        self.letters.setdefault(worker.id, set()).add(message.type)
        if self._as_json:
            self._emit("letter", worker, "", message)
        else:
            self._live.clear()
            letters.show([message], with_next=False)

    def statuses(self, fleet: Fleet, workers: Sequence[Worker]) -> None:
        """How they stand now; without a terminal only what has changed."""
        for worker in workers:
            self._status(worker)
        if self._live.is_on and not self._as_json:
            self._live.show([_line(fleet, worker, self._live.columns) for worker in workers])

    def pause(self) -> None:
        """The terminal is for a question."""
        self._live.clear()

    def _status(self, worker: Worker) -> None:
        stand = (worker.status.value, worker.reason)
        if self._told.get(worker.id) == stand:
            return
        self._told[worker.id] = stand
        if self._as_json:
            self._emit("status", worker, "")
        elif not self._live.is_on:
            reason = f" ({rendering.one_line(worker.reason)})" if worker.reason else ""
            click.echo(f"{clock(now())} {worker.name} {worker.status.value}{reason}")

    def _emit(self, event: str, worker: Worker, text: str, message: Message | None = None) -> None:
        letter = letter_of(message) if message else None
        stand = (worker.status.value, worker.reason)
        emit(Event(event, now(), worker.id, worker.name, *stand, text, letter))


def _line(fleet: Fleet, worker: Worker, columns: int) -> str:
    status, since, doing = now_of(fleet, worker)
    head = f"{worker.id} "
    middle = fill(status, _STATUS_COLUMNS)
    tail = f" {age(since):>4}  {rendering.one_line(worker.title)}"
    room = columns - len(head) - len(middle)
    return head + in_color(status, middle) + cut(f"{tail}  {doing}" if doing else tail, room)
