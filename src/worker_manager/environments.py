"""Makes a new worktree a place to work in, before its worker is launched there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from worker_manager import completions
from worker_manager.config import Settings
from worker_manager.models import Worker
from worker_manager.state import guards
from worker_manager.worktrees import bases, furnishing


def prepare(worker: Worker, home: str, checkout: Path, settings: Settings) -> list[str]:
    """Copies files, fills submodules, sets the guard up; gives notes for whoever started the
    worker. Raises WorktreeRefused.
    """
    notes = furnishing.furnish(checkout, Path(worker.path), settings.worktree_copy)
    if settings.guard != guards.OFF:
        top = bases.top(worker.project)
        places = dict.fromkeys(map(os.path.realpath, (str(checkout), top)))
        guards.write(home, guards.Guard(settings.guard, worker.path, list(places)))
        completions.note_checkout(home, str(checkout))
    if settings.worktree_setup:
        notes.append("Its setup command runs first, in its terminal.")
    return notes


def setup_command(home: str, settings: Settings) -> list[str]:
    """What its launch script runs before the agent; empty when there is nothing to set up."""
    if not settings.worktree_setup:
        return []
    ours = [sys.executable, "-I", "-m", "worker_manager", "--set-up", home]
    return [*ours, str(settings.worktree_setup_seconds), settings.worktree_setup]
