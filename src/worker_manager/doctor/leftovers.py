"""Checks workers without a session, and what earlier workers left in this repository."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextlib import suppress

from worker_manager.crew.lifecycle import adopt
from worker_manager.crew.presence import has_ended
from worker_manager.crew.supervision.reconcile import reconcile
from worker_manager.doctor.findings import Finding, Place, Verdict, ok, unknown, warning
from worker_manager.domain.worker import Worker
from worker_manager.errors import NotARepository, WorktreeRefused
from worker_manager.runtimes.base import Presence
from worker_manager.runtimes.registry import open_runtime
from worker_manager.state.layout import repository_directory
from worker_manager.state.workers import launches
from worker_manager.state.workers.records import Records
from worker_manager.worktrees import marks, trees
from worker_manager.worktrees.removal import GOING

SHOWN = 5


def workers(place: Place) -> list[Finding]:
    """Finds orphans, workers that ended unnoticed, and records that can't be read."""
    about = "workers"
    records = _records(place)
    everybody = records.all()
    found = [
        *_orphans(place, records, everybody),
        *_ended_unseen(records, everybody),
        *_damaged(records),
    ]
    unfinished = sum(not worker.finished for worker in everybody)
    return found or [ok(about, f"known here: {len(everybody)}; unfinished: {unfinished}.")]


def _orphans(place: Place, records: Records, everybody: Sequence[Worker]) -> list[Finding]:
    """Finds workers whose owner's session is gone: nobody reads their mail."""
    orphans = adopt.orphans(place.root, records, "", everybody)
    if not orphans:
        return []
    says = f"the session of {_named(orphans)} is gone."
    ids = " ".join(worker.id for worker in orphans)
    return [warning("workers", says, f"worker-manager adopt {ids}, or resume that session")]


def _ended_unseen(records: Records, everybody: list[Worker]) -> list[Finding]:
    """Finds workers whose terminal and process are gone, though their record says that they
    work.
    """
    launched = [worker for worker in everybody if not worker.finished and worker.process]
    working = [worker for worker in launched if not launches.is_under_way(worker)]
    presences = open_runtime().probe([worker.handle for worker in working])
    found = []
    silent = [worker for worker in working if presences[worker.handle] is Presence.UNKNOWN]
    if silent:
        says = f"whether {_named(silent)} live can't be told: tmux does not answer."
        found.append(unknown("workers", says))
    ended = [
        worker
        for worker in working
        if presences[worker.handle] is Presence.GONE and has_ended(worker)
    ]
    if ended:
        found.append(_unseen(records, ended))
    return found


def _unseen(records: Records, ended: list[Worker]) -> Finding:
    def fix() -> str:
        reconcile(records, ended, open_runtime())
        return f"{_named(ended)}: noted as failed, and told to whoever started them."

    says = f"{_named(ended)} ended without a report."
    return Finding("workers", Verdict.WARNING, says, "worker-manager ls notes it", fix)


def _damaged(records: Records) -> list[Finding]:
    return [
        warning("workers", f"a record can't be read: {path}", "look at it, and move it away")
        for path in records.damaged()[:SHOWN]
    ]


def leftovers(place: Place) -> list[Finding]:
    """Finds files and worktrees that no record mentions any more."""
    about = "leftovers"
    records = _records(place)
    found = [*_drafts(records), *_half_removed(records)]
    with suppress(NotARepository, WorktreeRefused):  # outside of git there are no worktrees
        found += _strange_worktrees(place, records)
    return found or [ok(about, "none.")]


def _drafts(records: Records) -> list[Finding]:
    """Finds records of killed starts. A draft younger than a day may be a start under way."""
    drafts = records.old_drafts()
    if not drafts:
        return []

    def fix() -> str:
        records.prune()
        return f"{len(drafts)} drafts of records are removed."

    says = f"{len(drafts)} starts were killed before anything was started."
    return [Finding("leftovers", Verdict.WARNING, says, f"rm -r {shlex.join(drafts)}", fix)]


def _strange_worktrees(place: Place, records: Records) -> list[Finding]:
    """Finds worktrees that were made for workers without a record."""
    known = {os.path.realpath(worker.path) for worker in records.all()}
    return [
        warning(
            "leftovers",
            f"the worktree {tree.path} was made for a worker that nobody knows any more.",
            f"look at it; git worktree remove {shlex.quote(tree.path)} refuses to lose changes",
        )
        for tree in trees.listed(place.directory)[1:]
        if tree.path not in known and _is_ours(place.directory, tree)
    ]


def _is_ours(directory: str, tree: trees.Listed) -> bool:
    admin = trees.admin_directory(directory, tree.path)
    return marks.is_marked(admin, tree.branch)


def _half_removed(records: Records) -> list[Finding]:
    """Finds worktrees whose removal was killed; the next clean of the worker completes it."""
    halves = [worker for worker in records.all() if os.path.lexists(worker.path + GOING)]
    if not halves:
        return []
    ids = " ".join(worker.id for worker in halves)
    says = f"the worktree of {_named(halves)} is half removed."
    return [warning("leftovers", says, f"worker-manager clean {ids} goes on with it")]


def _records(place: Place) -> Records:
    return Records(repository_directory(place.root, place.directory))


def _named(some: list[Worker]) -> str:
    names = ", ".join(f"{worker.id} ({worker.name})" for worker in some[:SHOWN])
    more = f" and {len(some) - SHOWN} more" if len(some) > SHOWN else ""
    return f"worker{'s' if len(some) > 1 else ''} {names}{more}"
