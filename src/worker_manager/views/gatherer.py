"""All workers of a repository, looked at again and again at little cost: of each only what has
changed is read anew. Nothing is written, taken or made to agree with the world by merely looking.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from worker_manager.agents import agent_in_record
from worker_manager.agents.base import Usage
from worker_manager.crew import activity
from worker_manager.crew.lifecycle.launch import attach_line
from worker_manager.crew.lifecycle.queue import place_in, queue_among
from worker_manager.crew.repository import Repository
from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import StateCorrupt, StateUnavailable, WorkerNotFound
from worker_manager.runtimes.base import Presence
from worker_manager.state.layout import transcript_of
from worker_manager.state.workers.records import stamp_of
from worker_manager.views.worker_facts import Facts, Look, facts
from worker_manager.worktrees import changes
from worker_manager.worktrees.changes import Progress

#: git is asked for the figures of a worker at most this often while it works, and this often
#: while nothing tells that it does.
BUSY_SECONDS, QUIET_SECONDS = 5.0, 60.0
#: Three git processes each.
MEASURED_AT_ONCE = 4
GONE = "its terminal is gone"


class Sighting(NamedTuple):
    """One worker: its record, and what is known of it."""

    worker: Worker
    facts: Facts


class Gathered(NamedTuple):
    """All workers, oldest first; the paths of records that can't be read; in one sentence why
    nothing, or not all, can be seen, else empty.
    """

    sightings: tuple[Sighting, ...] = ()
    damaged: tuple[str, ...] = ()
    trouble: str = ""


@dataclass
class _Known:
    """What was read of one worker, and how the files stood that it was read from."""

    worker: Worker
    record: tuple[int, ...]
    written: int = -1
    doing: str = ""
    usage: Usage | None = None
    progress: Progress | None = None
    measured: tuple[object, ...] = ()
    measured_at: float = 0.0
    is_gone: bool = False

    @property
    def state(self) -> tuple[object, ...]:
        """As long as this is the same, its work hardly is another."""
        return (self.record, self.written)


class Gatherer:
    """Looks at a repository's workers. `gather` reads files, `measure` asks git, `probe` the
    runtime, which may take long: each may run in a thread of its own.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._records = repository.records
        self._known: dict[str, _Known] = {}
        self._damaged: tuple[str, ...] = ()
        self._silent = ""

    def gather(self) -> Gathered:
        """What is known at this moment, with the figures that were measured last."""
        try:
            self._read_records()
        except StateUnavailable as error:
            return Gathered(self._sightings({}), self._damaged, str(error))
        told = activity.activities(
            self._repository.root,
            {
                self._records.home(one.worker.id): one.worker.agent
                for one in self._known.values()
                if not one.worker.finished
            },
        )
        for known in self._known.values():
            self._read_transcript(known)
        return Gathered(self._sightings(told), self._damaged, self._silent)

    def measure(self, seen: Collection[str], *, at: float) -> int:
        """Asks git for the figures of workers, those of the ids in `seen` first, of others only
        once; at most MEASURED_AT_ONCE. Gives how many. `at` is in seconds of a clock that only
        goes on.
        """
        due = self.due(seen, at=at)
        for one in due:
            one.measured, one.measured_at = one.state, at
            one.progress = _progress(one.worker)
        return len(due)

    def due(self, seen: Collection[str], *, at: float) -> list[_Known]:
        """What `measure` would ask git for; costs nothing."""
        known = list(self._known.values())
        due = [one for one in known if _is_due(one, at, is_seen=one.worker.id in seen)]
        due.sort(key=lambda one: (one.worker.id not in seen, one.measured_at))
        return due[:MEASURED_AT_ONCE]

    def probe(self) -> None:
        """Asks the runtime, once for all, whose terminal is there."""
        expected = [one for one in list(self._known.values()) if _has_terminal(one.worker)]
        found = self._repository.runtime.probe([one.worker.handle for one in expected])
        for known in expected:
            known.is_gone = found[known.worker.handle] is Presence.GONE
        is_silent = Presence.UNKNOWN in found.values()
        self._silent = "tmux does not answer: what is shown may be old." if is_silent else ""

    def _read_records(self) -> None:
        """Those that have changed. Raises StateUnavailable, also when all of it has gone."""
        ids = self._records.ids()
        if self._known and not os.path.isdir(self._records.repository):
            raise StateUnavailable(
                f"The state directory {self._records.repository} is gone: this is what was "
                "known before."
            )
        damaged = []
        for worker_id in ids:
            try:
                self._read_record(worker_id)
            except StateCorrupt:
                damaged.append(os.path.join(self._records.home(worker_id), "worker.json"))
            except (WorkerNotFound, StateUnavailable):
                self._known.pop(worker_id, None)
        for lost in set(self._known).difference(ids):
            del self._known[lost]
        self._damaged = tuple(dict.fromkeys([*damaged, *self._records.damaged()]))

    def _read_record(self, worker_id: str) -> None:
        stamp = stamp_of(os.path.join(self._records.home(worker_id), "worker.json"))
        if not stamp:
            raise WorkerNotFound(worker_id)
        known = self._known.get(worker_id)
        if known is None:
            self._known[worker_id] = _Known(self._records.peek(worker_id), stamp)
        elif known.record != stamp or not known.worker.launched:
            known.worker, known.record = self._records.peek(worker_id), stamp
            known.is_gone = False  # it may have a new terminal: the next probe says

    def _read_transcript(self, known: _Known) -> None:
        path = transcript_of(self._records.home(known.worker.id))
        agent = agent_in_record(known.worker.agent)
        written = agent.bytes_written(path) if path else 0
        if written != known.written:
            known.written = written
            known.doing = agent.latest(path)
            known.usage = self._repository.fleet_of(known.worker).usage(known.worker)

    def _sightings(self, told: dict[str, Activity]) -> tuple[Sighting, ...]:
        known = sorted(self._known.values(), key=lambda one: (one.worker.created_at, one.worker.id))
        workers = [one.worker for one in known]
        lines = {owner: queue_among(workers, owner) for owner in {one.owner for one in workers}}
        return tuple(self._sighting(one, told, lines[one.worker.owner]) for one in known)

    def _sighting(
        self, known: _Known, told: dict[str, Activity], line: Sequence[Worker]
    ) -> Sighting:
        worker = known.worker
        look = Look(
            activity=None if worker.finished else told.get(self._records.home(worker.id)),
            progress=known.progress,
            usage=known.usage,
            doing=known.doing,
            place=place_in(line, worker),
            attach=attach_line(worker),
        )
        seen = facts(worker, look, at=time.time())
        if known.is_gone and _has_terminal(worker):
            seen = seen._replace(reason=GONE)
        return Sighting(worker, seen)


def _is_due(known: _Known, at: float, *, is_seen: bool) -> bool:
    if not known.worker.branch or known.worker.cleaned:
        return False
    if not known.measured:
        return True
    wait = BUSY_SECONDS if known.measured != known.state else QUIET_SECONDS
    return is_seen and at - known.measured_at >= wait


def _progress(worker: Worker) -> Progress | None:
    return changes.progress(worker.path, worker.branch, worker.base_sha)


def _has_terminal(worker: Worker) -> bool:
    """Whether there should be one."""
    return worker.launched and not worker.finished and worker.status is not Status.QUEUED
