"""Makes a worktree, and makes it a place to work in, before its worker is launched there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from worker_manager.config import Settings
from worker_manager.crew.reporting import evidence as completions
from worker_manager.domain.worker import Worker
from worker_manager.state import journal
from worker_manager.state.locking import exclusive
from worker_manager.state.workers import guards, launches
from worker_manager.state.workers.records import Records
from worker_manager.worktrees import evidence, fresh, provisioning, trees
from worker_manager.worktrees.bases import Ground
from worker_manager.worktrees.evidence import Standing
from worker_manager.worktrees.git import ask_all
from worker_manager.worktrees.provisioning import Habits


class Outlook(NamedTuple):
    """How the checkout stands, and what git does with files there."""

    standing: Standing
    habits: Habits


class Made(NamedTuple):
    """A worktree that was made: notes on it for whoever started the worker, the command that is
    still to run there, how the checkout stood.
    """

    notes: list[str]
    setup: list[str]
    standing: Standing


def outlook(ground: Ground) -> Outlook:
    """Two git processes at the same time. Raises WorktreeRefused."""
    status, settings = ask_all(ground.project, evidence.STATUS, provisioning.SETTINGS)
    return Outlook(evidence.standing(status), provisioning.habits(settings))


def guard(worker: Worker, ground: Ground, settings: Settings) -> dict[str, str]:
    """What its home holds of the checkouts that it must leave alone."""
    if settings.guard == guards.OFF:
        return {}
    places = dict.fromkeys(map(os.path.realpath, (str(ground.checkout), ground.top)))
    found = guards.Guard(settings.guard, worker.path, list(places))
    return {guards.FILE: guards.encoded(found)}


def make(
    records: Records,
    worker: Worker,
    ground: Ground,
    settings: Settings,
    undo: ExitStack,
    meanwhile: Callable[[], None],
) -> Made:
    """Makes its worktree and furnishes it; `undo` takes it back. While git makes it, `meanwhile` is
    done, and it is looked how the checkout stands. Raises a WorkerManagerError.
    """
    home, path, sha = records.home(worker.id), Path(worker.path), worker.base_sha
    seen = list[Outlook]()
    once = [meanwhile]

    def settle() -> None:
        while once:
            once.pop()()

    def look() -> None:
        settle()
        seen.append(outlook(ground))
        note_checkout(home, ground, seen[0].standing, settings)

    # git itself fails when two make a worktree at the same moment. Should a merge or a clean hold
    # this for long, what was begun is on the disk meanwhile.
    lock = os.path.join(records.repository, "git.lock")
    with exclusive(lock, timeout_seconds=120, when_busy=settle):
        hooks = trees.create(ground, path, worker.branch, sha, look)
    undo.callback(trees.remove_unused, ground.checkout, path, worker.branch, sha)
    has_hook = fresh.has_hook(hooks) or seen[0].habits.has_hooks
    # Not under the lock: a slow hook of the person's holds up nobody else.
    told = fresh.settle(path, sha, with_hook=has_hook)
    notes = furnish(worker, home, ground, settings, seen[0].habits, told)
    return Made(notes, setup_command(home, settings), seen[0].standing)


def clear(records: Records, worker: Worker, ground: Ground) -> None:
    """Takes away what a start that was killed has made of its worktree and branch: nothing has run
    there. Raises WorktreeRefused.
    """
    with exclusive(os.path.join(records.repository, "git.lock"), timeout_seconds=120):
        trees.remove_begun(ground.checkout, Path(worker.path), worker.branch, worker.base_sha)


def make_again(worker: Worker, home: str, ground: Ground, settings: Settings) -> None:
    """Furnishes a worktree that was brought back. Raises a WorkerManagerError."""
    seen = outlook(ground)
    note_checkout(home, ground, seen.standing, settings)
    furnish(worker, home, ground, settings, seen.habits)


def note_checkout(home: str, ground: Ground, standing: Standing, settings: Settings) -> None:
    """Notes how the main checkout stands before the worker does anything."""
    if settings.guard == guards.OFF:
        return
    seen = standing.changes if ground.top == str(ground.checkout) else None
    launches.write_file(home, completions.CHECKOUT, completions.checkout_now(ground, seen))


def furnish(
    worker: Worker,
    home: str,
    ground: Ground,
    settings: Settings,
    habits: Habits,
    told: Sequence[str] = (),
) -> list[str]:
    """Copies files, fills submodules and large files; gives and notes what is to be said of it,
    after what is `told` already. Raises WorktreeRefused.
    """
    notes = [*told]
    notes += provisioning.furnish(ground, Path(worker.path), settings.worktree_copy, habits)
    if settings.worktree_setup:
        notes.append("Its setup command runs first, in its terminal.")
    for note in notes:
        journal.note(home, "furnished", note=note)
    return notes


def setup_command(home: str, settings: Settings) -> list[str]:
    """What its launch script runs before the agent; empty when there is nothing to set up."""
    if not settings.worktree_setup:
        return []
    ours = [sys.executable, "-I", "-m", "worker_manager", "--set-up", home]
    return [*ours, str(settings.worktree_setup_seconds), settings.worktree_setup]
