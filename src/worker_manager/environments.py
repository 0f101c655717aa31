"""Makes a new worktree a place to work in, before its worker is launched there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from worker_manager import completions
from worker_manager.config import Settings
from worker_manager.models import Worker
from worker_manager.state import guards
from worker_manager.worktrees import furnishing
from worker_manager.worktrees.bases import Ground


def files(worker: Worker, ground: Ground, settings: Settings) -> dict[str, str]:
    """What its home holds of the checkouts that it must leave alone. Raises WorktreeRefused."""
    if settings.guard == guards.OFF:
        return {}
    checkout = str(ground.checkout)
    places = dict.fromkeys(map(os.path.realpath, (checkout, ground.top)))
    guard = guards.Guard(settings.guard, worker.path, list(places))
    seen = ground.standing.changes if ground.top == checkout else None
    return {
        guards.FILE: guards.encoded(guard),
        completions.CHECKOUT: completions.checkout_now(checkout, seen),
    }


def furnish(worker: Worker, ground: Ground, settings: Settings) -> list[str]:
    """Copies files, fills submodules; gives notes for whoever started the worker. Raises
    WorktreeRefused.
    """
    notes = furnishing.furnish(ground, Path(worker.path), settings.worktree_copy)
    if settings.worktree_setup:
        notes.append("Its setup command runs first, in its terminal.")
    return notes


def setup_command(home: str, settings: Settings) -> list[str]:
    """What its launch script runs before the agent; empty when there is nothing to set up."""
    if not settings.worktree_setup:
        return []
    ours = [sys.executable, "-I", "-m", "worker_manager", "--set-up", home]
    return [*ours, str(settings.worktree_setup_seconds), settings.worktree_setup]
