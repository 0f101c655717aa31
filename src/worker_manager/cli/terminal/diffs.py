"""A worker's changes, on a terminal."""

from __future__ import annotations

import shutil
import sys

import click

from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Worker
from worker_manager.text import rendering
from worker_manager.views import inspection
from worker_manager.worktrees import changes as worktree_changes
from worker_manager.worktrees import own

_COLORS = {"+": "green", "-": "red", "@": "cyan"}
_HEADS = ("+++", "---", "diff ", "index ")


def changes(fleet: Fleet, worker: Worker, *, stat: bool = False) -> str:
    """Returns the diff of a worker's worktree against its base, uncommitted changes included; with
    `stat` the diffstat of its commits.
    """
    if stat and worker.base_sha:
        worktree = own.look(worker.path, worker.branch)
        return rendering.clean(worktree_changes.describe(worktree, worker.base_sha).diffstat)
    parts, cursor = [], ""
    while True:
        view = inspection.look(fleet, worker.id, "diff", cursor, inspection.MAX_BYTES)
        parts.append(view.text)
        cursor = view.cursor
        if not view.more:
            return "".join(parts)


def show(text: str) -> None:
    """Prints a diff in colors; through the person's pager when it is longer than the terminal."""
    colored = "\n".join(map(_colored, text.splitlines()))
    if sys.stdout.isatty() and text.count("\n") >= shutil.get_terminal_size().lines:
        click.echo_via_pager(f"{colored}\n")
    else:
        click.echo(colored)


def _colored(line: str) -> str:
    if line.startswith(_HEADS):
        return click.style(line, bold=True)
    color = _COLORS.get(line[:1])
    return click.style(line, fg=color) if color else line
