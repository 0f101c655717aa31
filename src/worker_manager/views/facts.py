"""What is known of a worker at this moment: its record, its session, its work, what it used."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from worker_manager.agents import agent_in_record
from worker_manager.agents.base import Usage
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.launch import attach_line
from worker_manager.crew.lifecycle.queue import place_in
from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.layout import TRANSCRIPT, repository_identity
from worker_manager.state.workers.records import stamp_of
from worker_manager.text import rendering
from worker_manager.worktrees import changes
from worker_manager.worktrees.changes import Progress

QUESTION_LIMIT, DOING_LIMIT = 500, 200
#: What somebody changes in a worktree by hand, and commits nowhere, is counted so much later.
COUNTED_SECONDS, FINISHED_SECONDS = 60.0, 600.0
#: Where git didn't say, it is asked again.
UNKNOWN_SECONDS = 10.0
#: Five git processes each: of more, the rest is counted the next time.
COUNTED_MOST, COUNTED_AT_ONCE = 200, 4


class Facts(NamedTuple):
    """One worker. `owner` is an orchestrator's id, `terminal` for people. Times are ISO texts in
    UTC, `base_sha` a commit, `question` what it asked and waits for, `doing` its last tool or
    words, `context_tokens` about what its next request holds, `attach` a shell command. None is
    what nobody knows, or what does not apply.
    """

    id: str
    owner: str
    name: str
    title: str
    status: str
    reason: str
    since: str
    agent: str
    agent_name: str
    path: str
    branch: str
    base: str
    base_sha: str
    question: str
    missing: str
    doing: str
    commits: int | None
    changed_files: int | None
    lines_added: int | None
    lines_removed: int | None
    tokens_read: int | None
    tokens_written: int | None
    context_tokens: int | None
    budget_tokens: int
    cost_usd: float | None
    created_at: str
    attach: str


class Look(NamedTuple):
    """What is read of a worker beside its record. `place` is its place in the queue, `doing` its
    last tool or words.
    """

    activity: Activity | None
    progress: Progress | None
    usage: Usage | None
    doing: str
    place: str
    attach: str


@dataclass
class _Known:
    """What was read of one worker, as its record was, and how the files stood that it came from."""

    worker: Worker
    home: str
    attach: str
    pointer: tuple[int, ...] | None = None
    transcript: str = ""
    written: int = -1
    doing: str = ""
    usage: Usage | None = None
    tip: tuple[int, ...] = ()
    progress: Progress | None = None
    counted: tuple[object, ...] | None = None
    counted_at: float = -FINISHED_SECONDS
    facts: Facts | None = None

    def is_due(self, at: float) -> bool:
        """Whether git is to be asked what it has changed."""
        if not self.worker.branch or self.worker.missing:
            return False
        age = at - self.counted_at
        if self.counted is None:
            return age > UNKNOWN_SECONDS
        is_old = age > (FINISHED_SECONDS if self.worker.finished else COUNTED_SECONDS)
        return is_old or self.counted != (self.tip, self.written)


class Snapshots:
    """The facts of a fleet's workers, asked for again and again: of each only what has changed is
    read anew.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._known: dict[str, _Known] = {}
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
        heads = {one: _heads(one) for one in {worker.project for worker in workers}}
        return [self._read(worker, heads[worker.project]) for worker in workers]

    def _of(self, workers: Sequence[Worker], known: Sequence[_Known]) -> list[Facts]:
        self._count(known)
        told = self._fleet.activities([one for one in workers if not one.finished])
        is_queue = any(one.status is Status.QUEUED for one in workers)
        line = self._fleet.queue() if is_queue else ()
        return [self._facts(one, told.get(one.home), line) for one in known]

    def _read(self, worker: Worker, heads: str) -> _Known:
        known = self._known.get(worker.id)
        if known is None or known.worker is not worker:
            home = self._fleet.records.home(worker.id)
            known = self._known[worker.id] = _Known(worker, home, attach_line(worker))
        pointer = stamp_of(f"{known.home}/{TRANSCRIPT}")
        if pointer != known.pointer:
            known.pointer, known.transcript = pointer, self._fleet.transcript(worker)
        agent = agent_in_record(worker.agent)
        written = agent.bytes_written(known.transcript) if known.transcript else 0
        if written != known.written:
            known.written, known.facts = written, None
            known.doing = agent.latest(known.transcript)
            known.usage = self._fleet.usage(worker)
        known.tip = stamp_of(f"{heads}/{worker.branch}") if worker.branch else ()
        return known

    def _count(self, known: Sequence[_Known]) -> None:
        at = time.monotonic()
        due = [one for one in known if one.is_due(at)]
        due.sort(key=lambda one: one.worker.finished)
        due = due[:COUNTED_MOST]
        if not due:
            return
        with ThreadPoolExecutor(COUNTED_AT_ONCE) as pool:
            found = pool.map(_progress, (one.worker for one in due))
        for one, progress in zip(due, found, strict=True):
            one.progress, one.facts = progress, None
            one.counted = None if progress is None else (one.tip, one.written)
            one.counted_at = at

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


def _progress(worker: Worker) -> Progress | None:
    return changes.progress(worker.path, worker.branch, worker.base_sha)


def _uncleaned(workers: Sequence[Worker]) -> list[Worker]:
    return [one for one in workers if not one.cleaned]


def facts_of(fleet: Fleet, worker: Worker) -> Facts:
    """Takes five git processes when the worker has a branch of its own."""
    return Snapshots(fleet).of([worker])[0]


def _heads(project: str) -> str:
    """Where git has the branches that it has not packed."""
    return os.path.join(repository_identity(project), "refs", "heads")


def facts(worker: Worker, look: Look, *, at: float) -> Facts:
    """The same from what was read already; `at` is in seconds since the epoch."""
    status, reason, since = worker.seen(look.activity, at=at)
    if status is Status.QUEUED:
        reason = f"{look.place}: {reason}"
    progress, usage = look.progress, look.usage
    asked = worker.report.text if worker.report and worker.status is Status.ASKING else ""
    return Facts(
        id=worker.id,
        owner=worker.owner,
        name=worker.name,
        title=worker.title,
        status=status.value,
        reason=reason,
        since=since,
        agent=worker.agent,
        agent_name=worker.agent_name or worker.agent,
        path=worker.path,
        branch=worker.branch,
        base=worker.base_branch,
        base_sha=worker.base_sha,
        question=rendering.one_line(asked)[:QUESTION_LIMIT],
        missing=worker.missing,
        doing="" if worker.finished else look.doing[:DOING_LIMIT],
        commits=progress.commits if progress else None,
        changed_files=progress.files if progress else None,
        lines_added=progress.added if progress else None,
        lines_removed=progress.removed if progress else None,
        tokens_read=usage.read if usage else None,
        tokens_written=usage.written if usage else None,
        context_tokens=usage.context if usage else None,
        budget_tokens=worker.budget_tokens,
        cost_usd=usage.cost if usage else None,
        created_at=worker.created_at,
        attach=look.attach,
    )
