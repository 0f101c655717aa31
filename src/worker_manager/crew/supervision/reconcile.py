"""Makes records agree with the world: sessions that ended unseen, reports that were cut off on
their way, worktrees and branches that somebody removed. Idempotent; several may do it at once.
What git or tmux does not tell changes nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from worker_manager.crew import activity
from worker_manager.crew.presence import fail_vanished, is_to_come
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status, Worker
from worker_manager.runtimes.base import Runtime
from worker_manager.state import journal
from worker_manager.state.layout import repository_identity
from worker_manager.state.workers import reminders
from worker_manager.state.workers.records import Records
from worker_manager.worktrees import trees

#: So many workers whose worktree or branch is gone are noted at one look.
NOTED_AT_ONCE = 50


def reconcile(
    records: Records,
    workers: Sequence[Worker],
    runtime: Runtime,
    meanwhile: Callable[[], object] | None = None,
) -> None:
    """Redelivers reports that were cut off, fails workers that are gone, and notes which worktrees
    and branches are missing. `workers` are as they were read; `meanwhile` is done while the runtime
    is asked, which takes long for many workers.
    """
    reports.redeliver_all(records, workers)
    fail_vanished(records, workers, runtime, meanwhile)
    _note_missing(records, workers)


def notify_idle(
    root: str, records: Records, workers: Sequence[Worker], seconds: float
) -> dict[str, float]:
    """Notifies owners of running workers that are idle for more than `seconds`: interrupted at
    their terminals, where Esc fires no hook. Once for each time. Returns since when they are idle,
    by id, in seconds since the epoch.
    """
    notified = {}
    running = [one for one in workers if one.status is Status.RUNNING]
    doing = activity.activities(root, {records.home(one.id): one.agent for one in running})
    for one in running:
        home = records.home(one.id)
        since = None if reminders.was_told_of(home) else one.idle_since(doing.get(home))
        if since is not None and time.time() - since > seconds:
            words = "(it is idle: somebody may have interrupted it at its terminal)"
            reports.stalled(records, one.id, words, occasion=f"idle {since}")
            notified[one.id] = since
    return notified


def _note_missing(records: Records, workers: Sequence[Worker]) -> None:
    """Notes which worktrees and branches are gone, or back."""
    by_project: dict[str, list[Worker]] = {}
    for one in workers:
        if one.cleaned and one.missing:
            _set_missing(records, one.id, "")
        elif one.branch and not one.cleaned:
            by_project.setdefault(one.project, []).append(one)
    for project, those in by_project.items():
        there = trees.existing(project, repository_identity(project), [one.branch for one in those])
        placed = [(one, *one.path.rpartition(os.sep)) for one in those]
        folders = {one: trees.names_in(one) for one in {folder for _, folder, *_ in placed}}
        found = [
            (one, _missing(one, there, name in folders[folder])) for one, folder, _, name in placed
        ]
        changed = [(one, missing) for one, missing in found if missing != one.missing]
        # Each waits for the disk. The newest first: the others at one of the next looks.
        for one, missing in changed[-NOTED_AT_ONCE:]:
            if not is_to_come(one):
                _set_missing(records, one.id, missing)


def _set_missing(records: Records, worker_id: str, missing: str) -> None:
    # It may have been cleaned meanwhile: then nothing is missing.
    records.update(worker_id, lambda one: one._replace(missing="" if one.cleaned else missing))
    journal.note(records.home(worker_id), "reconciled", missing=missing)


def _missing(worker: Worker, branches: frozenset[str] | None, has_worktree: bool) -> str:
    """`worktree`, `branch`, `worktree and branch`, or nothing."""
    gone = [] if has_worktree else ["worktree"]
    if branches is None:
        gone += ["branch"] if "branch" in worker.missing else []  # unknown: as it was
    elif worker.branch not in branches:
        gone.append("branch")
    return " and ".join(gone)
