"""The facts of workers, asked for again and again: of each only what has changed is read anew."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from worker_manager.agents import agent_in_record
from worker_manager.agents.base import Usage
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.launch import attach_line
from worker_manager.crew.lifecycle.queue import place_in
from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Status, Worker
from worker_manager.state import looks
from worker_manager.state.layout import TRANSCRIPT, repository_identity
from worker_manager.state.workers.records import stamp_of
from worker_manager.views.worker_facts import Facts as Facts
from worker_manager.views.worker_facts import Look, facts
from worker_manager.worktrees import changes
from worker_manager.worktrees.changes import NOTHING_DONE, Progress

#: What somebody changes in a worktree by hand, and commits nowhere, is counted so much later.
COUNTED_SECONDS, FINISHED_SECONDS = 60.0, 600.0
#: Where git didn't say, it is asked again.
UNKNOWN_SECONDS = 10.0
#: Three git processes each: of more, the rest is counted the next time.
COUNTED_MOST, COUNTED_AT_ONCE = 200, 2
#: What was counted, in the orchestrator's directory.
_COUNTED = "progress.json"


class _Known:
    """What was read of one worker, as its record was, and how the files stood that it came from."""

    pointer: tuple[int, ...] | None = None
    transcript = ""
    written = -1
    doing = ""
    usage: Usage | None = None
    tip: tuple[int, ...] = ()
    progress: Progress | None = None
    counted: tuple[object, ...] | None = None
    counted_at = -FINISHED_SECONDS
    facts: Facts | None = None

    def __init__(self, worker: Worker, home: str, attach: str) -> None:
        self.worker = worker
        self.home = home
        self.attach = attach

    @property
    def state(self) -> tuple[object, ...]:
        """As long as this is the same, its work hardly is another."""
        return (self.worker.base_sha, *self.tip, self.written)

    def is_due(self, at: float) -> bool:
        """Whether git is to be asked what it has changed."""
        if not self.worker.branch or self.worker.missing:
            return False
        age = at - self.counted_at
        if self.counted is None:
            return age > UNKNOWN_SECONDS
        is_old = age > (FINISHED_SECONDS if self.worker.finished else COUNTED_SECONDS)
        return is_old or self.counted != self.state


class Snapshots:
    """The facts of a fleet's workers, asked for again and again: of each only what has changed is
    read anew.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._known: dict[str, _Known] = {}
        self._kept: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def of(self, workers: Sequence[Worker]) -> list[Facts]:
        """Those of each. Counts by git where a branch, or what the session has said, is another
        one than before. Tools may call this at the same time.
        """
        with self._lock:
            return self._of(workers, self._look(workers))

    def of_own(self, everybody: Sequence[Worker]) -> tuple[list[Worker], list[Facts]]:
        """The fleet's workers among all that the records know, after a look at the world, and the
        facts of those that are not cleaned. Their files are read while the runtime is asked.
        """
        looked: list[_Known] = []

        def look(workers: list[Worker]) -> None:
            with self._lock:
                looked.extend(self._look(_uncleaned(workers)))

        workers = self._fleet.workers(everybody, look)
        shown = _uncleaned(workers)
        # Records that were not written since are the same objects.
        as_looked = {id(one.worker): one for one in looked}
        with self._lock:
            known = [as_looked.get(id(one)) or self._look([one])[0] for one in shown]
            return workers, self._of(shown, known)

    def _look(self, workers: Sequence[Worker]) -> list[_Known]:
        places = {one: repository_identity(one) for one in {worker.project for worker in workers}}
        return [self._read(worker, places[worker.project]) for worker in workers]

    def _of(self, workers: Sequence[Worker], known: Sequence[_Known]) -> list[Facts]:
        self._count(known)
        told = self._fleet.activities([one for one in workers if not one.finished])
        is_queue = any(one.status is Status.QUEUED for one in workers)
        line = self._fleet.queue() if is_queue else ()
        return [self._facts(one, told.get(one.home), line) for one in known]

    def _read(self, worker: Worker, repository: str) -> _Known:
        known = self._known.get(worker.id)
        if known is None or known.worker is not worker:
            home = self._fleet.records.home(worker.id)
            known = self._known[worker.id] = _Known(worker, home, attach_line(worker))
            self._recall(known)
        pointer = stamp_of(f"{known.home}/{TRANSCRIPT}")
        if pointer != known.pointer:
            known.pointer, known.transcript = pointer, self._fleet.transcript(worker)
        agent = agent_in_record(worker.agent)
        written = agent.bytes_written(known.transcript) if known.transcript else 0
        if written != known.written:
            known.written, known.facts = written, None
            known.doing = agent.latest(known.transcript)
            known.usage = self._fleet.usage(worker)
        known.tip = _tip(repository, worker.branch) if worker.branch else ()
        return known

    def _count(self, known: Sequence[_Known]) -> None:
        at = time.monotonic()
        due = [one for one in known if one.is_due(at)]
        due.sort(key=lambda one: one.worker.finished)
        due = due[:COUNTED_MOST]
        if not due:
            return
        found = _in_turn([one.worker for one in due])
        for one, progress in zip(due, found, strict=True):
            one.progress, one.facts = progress, None
            one.counted = None if progress is None else one.state
            one.counted_at = at
        self._keep()

    def _keep(self) -> None:
        """Notes what was counted: the next command need not count it. What others have noted of
        workers that were not looked at here stays as long as it counts.
        """
        at, clock = time.time(), time.monotonic()
        noted = looks.read(self._fleet.home, _COUNTED)
        kept = {
            worker_id: note
            for worker_id, note in noted.items()
            if worker_id not in self._known and _is_fresh(note, at)
        }
        kept |= {
            worker_id: [at - (clock - one.counted_at), one.counted, one.progress]
            for worker_id, one in self._known.items()
            if one.counted is not None and not one.worker.cleaned
        }
        looks.write(self._fleet.home, _COUNTED, kept)

    def _recall(self, known: _Known) -> None:
        """What another command has counted, unless that is from another time."""
        if self._kept is None:
            self._kept = looks.read(self._fleet.home, _COUNTED)
        try:
            at, counted, progress = self._kept.get(known.worker.id, (0.0, (), ()))
            age = time.time() - at
            if at and age >= 0:
                known.progress, known.counted = Progress(*progress), tuple(counted)
                known.counted_at = time.monotonic() - age
        except (TypeError, ValueError):
            return  # of another version

    def _facts(self, known: _Known, activity: Activity | None, line: Sequence[Worker]) -> Facts:
        worker = known.worker
        is_still = worker.finished or (activity is None and worker.status is not Status.QUEUED)
        if is_still and known.facts is not None:
            return known.facts
        look = Look(
            activity=None if worker.finished else activity,
            progress=known.progress,
            usage=known.usage,
            doing=known.doing,
            place=place_in(line, worker),
            attach=known.attach,
        )
        found = facts(worker, look, at=time.time())
        known.facts = found if is_still else None
        return found


def _in_turn(workers: Sequence[Worker]) -> Iterator[Progress | None]:
    """The progress of each, COUNTED_AT_ONCE of them at the same time."""
    waiting = deque[Callable[[], Progress | None]]()
    for one in workers:
        waiting.append(changes.begin_progress(one.path, one.branch, one.base_sha))
        if len(waiting) == COUNTED_AT_ONCE:
            yield waiting.popleft()()
    yield from (heard() for heard in waiting)


def _is_fresh(note: object, at: float) -> bool:
    """Whether a note, as it was read, still spares somebody the count."""
    noted = note[0] if isinstance(note, list) and note else None
    return isinstance(noted, int | float) and 0 <= at - noted <= FINISHED_SECONDS


def _uncleaned(workers: Sequence[Worker]) -> list[Worker]:
    return [one for one in workers if not one.cleaned]


def facts_of(fleet: Fleet, worker: Worker) -> Facts:
    """Takes three git processes when the worker has a branch of its own, and has begun."""
    if worker.status is Status.STARTING and worker.changed_at == worker.created_at:
        return _facts_of_new(worker)
    return Snapshots(fleet).of([worker])[0]


def _facts_of_new(worker: Worker) -> Facts:
    """Of one that was started just now: it has done nothing that git could count."""
    progress = NOTHING_DONE if worker.branch else None
    look = Look(None, progress, usage=None, doing="", place="", attach=attach_line(worker))
    return facts(worker, look, at=time.time())


def _tip(repository: str, branch: str) -> tuple[int, ...]:
    """The stamp of the file in which git has a branch: of its own, else one with many."""
    for name in (f"refs/heads/{branch}", "packed-refs", "reftable/tables.list"):
        stamp = stamp_of(f"{repository}/{name}")
        if stamp:
            return stamp
    return ()
