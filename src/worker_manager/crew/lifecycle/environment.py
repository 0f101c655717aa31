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
from worker_manager.worktrees.bases import Checkout
from worker_manager.worktrees.evidence import CheckoutStatus
from worker_manager.worktrees.git import ask_all
from worker_manager.worktrees.provisioning import GitFileSettings


class CheckoutState(NamedTuple):
    """How the checkout stands, and what git does with files there."""

    standing: CheckoutStatus
    habits: GitFileSettings


class Made(NamedTuple):
    """A worktree that was made: notes on it for whoever started the worker, the command that is
    still to run there, how the checkout stood.
    """

    notes: list[str]
    setup: list[str]
    standing: CheckoutStatus


def checkout_state(checkout: Checkout) -> CheckoutState:
    """Two git processes at the same time. Raises WorktreeRefused."""
    status, settings = ask_all(checkout.project, evidence.STATUS, provisioning.SETTINGS)
    return CheckoutState(evidence.parse_status(status), provisioning.git_file_settings(settings))


def guard(
    worker: Worker, checkout: Checkout | None, settings: Settings, *, is_read_only: bool
) -> dict[str, str]:
    """What its home holds of the checkouts that it must leave alone. Whoever only reads is guarded
    whatever the settings say, and without a worktree, too.
    """
    if not is_read_only and (checkout is None or settings.guard == guards.OFF):
        return {}
    mode = guards.REFUSE if is_read_only else settings.guard
    there = (str(checkout.main), checkout.top) if checkout else ()
    places = dict.fromkeys(map(os.path.realpath, there))
    found = guards.Guard(mode, worker.path, list(places), is_read_only=is_read_only)
    return {guards.FILE: guards.encoded(found)}


def make(
    records: Records,
    worker: Worker,
    checkout: Checkout,
    settings: Settings,
    undo: ExitStack,
    meanwhile: Callable[[], None],
) -> Made:
    """Makes its worktree and furnishes it; `undo` takes it back. While git makes it, `meanwhile` is
    done, and it is looked how the checkout stands. Raises a WorkerManagerError.
    """
    home, path, sha = records.home(worker.id), Path(worker.path), worker.base_sha
    seen = list[CheckoutState]()
    once = [meanwhile]

    def settle() -> None:
        while once:
            once.pop()()

    def look() -> None:
        settle()
        seen.append(checkout_state(checkout))
        note_checkout(home, checkout, seen[0].standing, settings)

    # git itself fails when two make a worktree at the same moment. Should a merge or a clean hold
    # this for long, what was begun is on the disk meanwhile.
    lock = os.path.join(records.repository, "git.lock")
    with exclusive(lock, timeout_seconds=120, when_busy=settle):
        hooks = trees.create(checkout, path, worker.branch, sha, look)
    undo.callback(trees.remove_unused, checkout.main, path, worker.branch, sha)
    has_hook = fresh.has_hook(hooks) or seen[0].habits.has_hooks
    # Not under the lock: a slow hook of the person's holds up nobody else.
    told = fresh.finish(path, sha, with_hook=has_hook)
    notes = provision(worker, home, checkout, settings, seen[0].habits, told)
    return Made(notes, setup_command(home, settings), seen[0].standing)


def clear(records: Records, worker: Worker, checkout: Checkout) -> None:
    """Takes away what a start that was killed has made of its worktree and branch: nothing has run
    there. Raises WorktreeRefused.
    """
    with exclusive(os.path.join(records.repository, "git.lock"), timeout_seconds=120):
        trees.remove_begun(checkout.main, Path(worker.path), worker.branch, worker.base_sha)


def make_again(worker: Worker, home: str, checkout: Checkout, settings: Settings) -> None:
    """Furnishes a worktree that was brought back. Raises a WorkerManagerError."""
    seen = checkout_state(checkout)
    note_checkout(home, checkout, seen.standing, settings)
    provision(worker, home, checkout, settings, seen.habits)


def note_checkout(
    home: str, checkout: Checkout, standing: CheckoutStatus, settings: Settings
) -> None:
    """Notes how the main checkout stands before the worker does anything."""
    if settings.guard == guards.OFF:
        return
    seen = standing.changes if checkout.top == str(checkout.main) else None
    launches.write_file(home, completions.CHECKOUT, completions.checkout_now(checkout, seen))


def provision(
    worker: Worker,
    home: str,
    checkout: Checkout,
    settings: Settings,
    habits: GitFileSettings,
    told: Sequence[str] = (),
) -> list[str]:
    """Copies files, fills submodules and large files; gives and notes what is to be said of it,
    after what is `told` already. Raises WorktreeRefused.
    """
    notes = [*told]
    notes += provisioning.provision(checkout, Path(worker.path), settings.worktree_copy, habits)
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
