"""Taking away what finished workers have left, so that it can be brought back; nothing else.

A worker that is cleaned keeps its record, which names the git ref that holds all of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import (
    InvalidInput,
    NotARepository,
    WorkerManagerError,
    WorktreeRefused,
)
from worker_manager.models import Worker
from worker_manager.runtimes.base import Runtime
from worker_manager.state import journal
from worker_manager.state.layout import transcript_of
from worker_manager.state.locking import exclusive
from worker_manager.state.records import Records
from worker_manager.worktrees import bases, evidence, landing, removal, snapshots
from worker_manager.worktrees.removal import Tree

#: From so many finished workers on, or so old a one, cleaning is suggested.
MANY, OLD_DAYS = 8, 7.0


class Outcome(NamedTuple):
    """What became, or would become, of a worker: `why_not` is empty when it is cleaned."""

    worker: Worker
    why_not: str
    freed: int = 0


class Order(NamedTuple):
    """What to clean: the workers of these ids, else all that are finished. `force` takes those,
    too, that are not merged or have files that no commit holds.
    """

    ids: Sequence[str] = ()
    is_dry_run: bool = False
    force: bool = False


def clean(
    records: Records, runtime: Runtime, workers: Sequence[Worker], order: Order
) -> list[Outcome]:
    """Cleans those of an orchestrator's workers that it may. Raises InvalidInput when it is to
    force without a name.
    """
    if order.force and not order.ids:
        raise InvalidInput("force needs ids: name the workers whose unmerged work may go.")
    chosen = [one for one in workers if _is_meant(one, order)]
    return [_clean_one(records, runtime, one, order) for one in chosen]


def is_gone(worker: Worker) -> bool:
    """Whether there is something to bring back before it can work again."""
    return bool(worker.cleaned) or (bool(worker.branch) and not os.path.isdir(worker.path))


def bring_back(records: Records, worker_id: str) -> None:
    """Undoes a clean, and what somebody else removed, as far as it is gone: the branch, the
    worktree, files that no commit held. Raises WorktreeRefused.
    """
    with exclusive(_lock(records), timeout_seconds=120):
        worker = records.get(worker_id)  # a clean may have ended just now
        if worker.branch:
            ref = _bring_back(bases.main_checkout(worker.project), worker)
            journal.note(records.home(worker_id), "brought back", ref=ref)
        records.update(worker_id, lambda one: replace(one, cleaned="", closed=False))


def advice(workers: Sequence[Worker]) -> str:
    """A line for when what finished workers have left piles up; else nothing."""
    left = [one for one in workers if one.finished and one.branch and not one.cleaned]
    ages = [time.time() - datetime.fromisoformat(one.changed_at).timestamp() for one in left]
    days = max(ages, default=0.0) / 86_400
    if len(left) < MANY and days < OLD_DAYS:
        return ""
    return (
        f"{len(left)} finished worker{'s' if len(left) != 1 else ''} still have a worktree, the "
        f"oldest for {days:.0f} days. clean_workers(dry_run=true) tells which may go."
    )


def _bring_back(checkout: Path, worker: Worker) -> str:
    """Gives the ref that it came from; empty when only branch and worktree did."""
    ref = worker.cleaned
    if not ref and removal.fits(checkout, worker.branch, worker.saved):
        ref = worker.saved
    if os.path.isdir(worker.path):  # its removal was cut off, and somebody may have been in there
        beside = f"refs/worker-manager/{worker.id}/{time.time_ns()}"
        snapshots.save(worker.path, beside, f"Worker {worker.id} before it was brought back")
    removal.bring_back(checkout, worker.path, worker.branch, ref)
    return ref


def _is_meant(worker: Worker, order: Order) -> bool:
    if order.ids:
        return worker.id in order.ids
    is_left = removal.is_half_gone(worker.path) or os.path.lexists(worker.path)
    return worker.finished and (not worker.cleaned or (bool(worker.branch) and is_left))


def _clean_one(records: Records, runtime: Runtime, worker: Worker, order: Order) -> Outcome:
    try:
        with exclusive(_lock(records), timeout_seconds=120):
            return _attempt(records, runtime, records.get(worker.id), order)
    except (WorkerManagerError, OSError) as error:
        return Outcome(worker, str(error))


def _attempt(records: Records, runtime: Runtime, worker: Worker, order: Order) -> Outcome:
    if not worker.finished:
        return Outcome(
            worker, f"it is {worker.status.value}: wait for its report, or stop_worker it"
        )
    if not worker.branch:
        return _without_worktree(records, runtime, worker, order)
    tree = removal.find(bases.main_checkout(worker.project), worker.path, worker.branch)
    why_not = _why_not(worker, tree, order)
    if why_not:
        return Outcome(worker, why_not)
    freed = removal.size(tree.path) if tree.is_there else 0
    if order.is_dry_run:
        return Outcome(worker, "", freed)
    runtime.end(worker.handle)
    return _remove(records, worker, tree, order)._replace(freed=freed)


def _remove(records: Records, worker: Worker, tree: Tree, order: Order) -> Outcome:
    """Saves it, notes where, and only then takes it away. Its session has ended: nothing writes any
    more, so the last look is the one that counts.
    """
    why_not = _why_not(worker, tree, order)
    if why_not:
        return Outcome(worker, why_not)
    if tree.is_there or not worker.cleaned:
        ref = f"refs/worker-manager/{worker.id}/{time.time_ns()}"
        transcript = transcript_of(records.home(worker.id))
        message = f"Worker {worker.id} before it was cleaned\n\nTranscript: {transcript}"
        left_out = removal.keep_all(tree, ref, message).left_out
        if left_out:  # force or not: what git can't save is not removed
            return Outcome(worker, f"{left_out[0]!r} in it can't be saved: commit or move it")
        records.update(worker.id, lambda one: replace(one, cleaned=ref, closed=True))
    removal.remove(tree)
    journal.note(records.home(worker.id), "cleaned")
    return Outcome(records.get(worker.id), "")


def _without_worktree(records: Records, runtime: Runtime, worker: Worker, order: Order) -> Outcome:
    """Of one that shared the checkout only its terminal goes."""
    if order.is_dry_run:
        return Outcome(worker, "")
    runtime.end(worker.handle)
    _, after = records.update(worker.id, lambda one: replace(one, cleaned="-", closed=True))
    return Outcome(after, "")


def _why_not(worker: Worker, tree: Tree, order: Order) -> str:
    """Why it stays; empty when it may go."""
    return removal.forbidden(tree) or ("" if order.force else _unsafe(worker, tree))


def _unsafe(worker: Worker, tree: Tree) -> str:
    """What would be hard to find again."""
    if tree.tip and not _is_merged(worker, tree):
        into = worker.merge.into if worker.merge else worker.base_branch
        return f"its branch is not merged into {into}: merge_worker it first"
    if not tree.is_there:
        return ""
    if tree.head and tree.tip and not landing.contains(tree.checkout, tree.tip, tree.head):
        return f"its worktree stands at {tree.head[:12]}, which its branch does not have"
    changes = [one.name for one in evidence.changes(tree.path)]
    if changes:
        files = f"{len(changes)} file{'s' if len(changes) != 1 else ''}"
        return f"{files} in it, {changes[0]!r} for one, are in no commit"
    repositories = removal.ignored_repositories(tree.path)
    if repositories:
        return f"a repository that git ignores lies in it: {repositories[0]}"
    return ""


def _is_merged(worker: Worker, tree: Tree) -> bool:
    """Whether its work is in the branch that it came from, or was merged into."""
    if worker.merged_at(tree.tip):
        return True
    with suppress(WorktreeRefused, NotARepository):
        base = landing.target(tree.checkout, worker.base_branch)
        return landing.contains(tree.checkout, base.sha, tree.tip)
    return tree.tip == worker.base_sha


def _lock(records: Records) -> str:
    return os.path.join(records.repository, "git.lock")
