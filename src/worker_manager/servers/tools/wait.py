"""Waiting for workers: cheap looks, again and again, until there is something to tell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from worker_manager.agents import HOST, agent_named
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.supervision.background import BackgroundSupervisor
from worker_manager.domain import message as messages
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, StateUnavailable, WorkerNotFound
from worker_manager.servers import call_limit
from worker_manager.servers.call import Call
from worker_manager.servers.toolbox import Result
from worker_manager.servers.tools.worker_info import line_of
from worker_manager.state.mail import receipts, waits
from worker_manager.state.mail.inbox import Claim
from worker_manager.text import rendering
from worker_manager.views.facts import facts_of
from worker_manager.views.needs import is_settled

UNTIL = ("any", "all")
DEFAULT_SECONDS, MAX_SECONDS = 600, 7_200
POLL_SECONDS = 0.1
#: Nearly every change of a status comes with a message; this is for the others.
STATUS_SECONDS = 1.0
#: From a hook that takes a message to the call that the model had in mind by then.
GAP_SECONDS = 10.0
PROGRESS_SECONDS = 10.0
#: Of the lines with the statuses, in UTF-16 units: the messages need the room.
LINES_LIMIT = 3_000
_IN_NEED = (Status.ASKING, Status.BLOCKED)


class Waited(Result):
    """Statuses by id; the messages shown; how many more wait; whether the time ran out."""

    workers: dict[str, str]
    messages: list[str]
    left: int
    timed_out: bool


def wait(fleet: Fleet, call: Call, ids: Sequence[str], until: str, seconds: float) -> Waited:
    """The messages and the statuses as soon as there are some. Raises a WorkerManagerError,
    Cancelled.
    """
    _check(until, seconds)
    awaited = Awaited(fleet, ids, until)
    # Registered before the first look: what comes from now on is left to us.
    with waits.registered_wait(fleet.home):
        most = call_limit.at_most(call, seconds)
        in_time = _until_over(awaited, call, most)
        claim = fleet.claim_waiting(most=20)
        if claim is not None:
            call.shows(claim, fleet.home)
        return _told(awaited, claim, "" if in_time else f"{most:g} s")


class _Letter(NamedTuple):
    id: str
    sender: str
    type: str


class Awaited:
    """Whom a call waits for, and whether it is over."""

    def __init__(self, fleet: Fleet, ids: Sequence[str], until: str) -> None:
        self.fleet = fleet
        self.named = tuple(fleet.worker(worker_id).id for worker_id in dict.fromkeys(ids))
        self.own = [one.id for one in fleet.records.all() if one.owner == fleet.owner]
        self._until = until
        self._letters: dict[str, _Letter] = {}
        #: Taken by a hook just before this call; Claude Code shows them when it has ended.
        self.held: list[_Letter] = []
        self._began = time.time()
        self._looked = 0.0
        self.ids = self.named or tuple(one for one in self.own if not self._is_done(one))

    def worker(self, worker_id: str) -> Worker | None:
        """Its record; None when it isn't ours any more, or can't be read."""
        try:
            return self.fleet.worker(worker_id)
        except (WorkerNotFound, StateUnavailable):
            return None

    def is_over(self) -> bool:
        """Whether there is something to tell, or nothing to wait for."""
        has_news = self._read_letters()
        if not has_news and time.monotonic() - self._looked < STATUS_SECONDS:
            return False
        self._looked = time.monotonic()
        look, since = agent_named(HOST).receipts, self._began - GAP_SECONDS
        held = receipts.held_back(self.fleet.home, look, since=since)
        # What the doctor asks of its session is no news of a worker.
        news = [one for one in held if one.type != messages.TEST]
        self.held = [_Letter(one.id, one.sender, one.type) for one in news]
        if not self.ids or any(one.type in messages.NEEDS_ANSWER for one in self._known()):
            return True
        if self._until == "all":
            return all(map(self._stands_still, self.ids))
        return self._has_letter() or any(map(self._stands_still, self.ids))

    def _read_letters(self) -> bool:
        """Who has sent what waits; whether any of it is new."""
        mailbox = self.fleet.mailbox
        names = mailbox.waiting()
        news = [name for name in names if name not in self._letters]
        for name in news:
            message = mailbox.peek(name)
            if message is not None:
                self._letters[name] = _Letter(message.id, message.sender, message.type)
        for name in self._letters.keys() - names:
            del self._letters[name]
        return bool(news)

    def _has_letter(self) -> bool:
        """Whether one of those waited for has written; without names everybody's letter counts."""
        senders = {letter.sender for letter in self._known()}
        return bool(senders.intersection(self.named) if self.named else senders)

    def _known(self) -> list[_Letter]:
        return [*self._letters.values(), *self.held]

    def _stands_still(self, worker_id: str) -> bool:
        worker = self.worker(worker_id)
        if worker is None:
            return True
        report_id = worker.report.message_id if worker.report else ""
        needed = report_id if worker.status in _IN_NEED else None
        return is_settled(worker, needed, self._is_there)

    def _is_done(self, worker_id: str) -> bool:
        worker = self.worker(worker_id)
        return worker is None or (worker.finished and self._stands_still(worker_id))

    def _is_there(self, message_id: str) -> bool:
        return any(letter.id == message_id for letter in self._known())


def _check(until: str, seconds: float) -> None:
    if until not in UNTIL:
        raise InvalidInput(f"until is {until!r}. Choose one of: {', '.join(UNTIL)}.")
    if not 1 <= seconds <= MAX_SECONDS:
        raise InvalidInput(
            f"timeout_seconds is {seconds:g}. Give a number from 1 to {MAX_SECONDS}; "
            "you can call wait_for_workers again."
        )


def _until_over(awaited: Awaited, call: Call, seconds: float) -> bool:
    """False when the time ran out. Raises Cancelled."""
    if awaited.is_over():
        return True
    started = told = time.monotonic()
    with BackgroundSupervisor(lambda: awaited.fleet.supervisor), call.waiting() as wait:
        while not awaited.is_over():
            now = time.monotonic()
            if now - started >= seconds:
                return False
            if now - told >= PROGRESS_SECONDS:
                told = now
                call.tell(now - started, seconds, _what(awaited))
            wait(min(POLL_SECONDS, started + seconds - now))
    return True


def _what(awaited: Awaited) -> str:
    """What it waits for, on one line."""
    standing = [(one, awaited.worker(one)) for one in awaited.ids[:5]]
    known = [f"{one} ({worker.status.value})" for one, worker in standing if worker]
    more = f" and {len(awaited.ids) - 5} more" if len(awaited.ids) > 5 else ""
    return f"waiting for {', '.join(known)}{more}"


def _told(awaited: Awaited, claim: Claim | None, waited: str) -> Waited:
    shown = awaited.ids or awaited.own
    letters = [message.id for message in claim.messages] if claim else []
    text = "\n".join([_opening(awaited, waited), *_lines(awaited, shown, letters)])
    if claim is not None:
        mail = rendering.for_orchestrator(claim.messages, claim.files, claim.left)
        text = f"{mail}\n\n{text}"
    known = {one: worker for one in shown if (worker := awaited.worker(one)) is not None}
    return Waited(
        text=text,
        workers={one: worker.status.value for one, worker in known.items()},
        messages=letters,
        left=claim.left if claim else 0,
        timed_out=bool(waited),
    )


def _opening(awaited: Awaited, waited: str) -> str:
    if waited:
        return (
            f"The wait is not over after {waited}. Call wait_for_workers again, or end your turn: "
            "mail wakes an interactive session by itself."
        )
    if awaited.held:
        return "A message that came just before this call follows. Now:"
    if awaited.ids:
        return "Now:"
    if awaited.own:
        return "All your workers are finished:"
    return "You have no workers. start_worker starts one."


def _lines(awaited: Awaited, ids: Sequence[str], letters: Sequence[str]) -> list[str]:
    """A line for each, as list_workers has it, as long as there is room. A question among the
    letters is not said twice.
    """
    lines: list[str] = []
    room = LINES_LIMIT
    for position, worker_id in enumerate(ids):
        line = _line(awaited, worker_id, letters)
        room -= rendering.units(line)
        if room < 0:
            return [*lines, f"and {len(ids) - position} more: list_workers shows them."]
        lines.append(line)
    return lines


def _line(awaited: Awaited, worker_id: str, letters: Sequence[str]) -> str:
    worker = awaited.worker(worker_id)
    if worker is None:
        return f"{worker_id} is not yours any more, or its record can't be read."
    facts = facts_of(awaited.fleet, worker)
    said = worker.report is not None and worker.report.message_id in letters
    return line_of(facts._replace(question="") if said else facts)
