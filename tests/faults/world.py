"""Does everything that is there belong to somebody, and does everybody tell the truth?"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import git
from worker_manager.crew.fleet import Fleet
from worker_manager.runtimes.base import Presence
from worker_manager.runtimes.tmux.runtime import Tmux


def unaccounted(fleet: Fleet, project: Path, socket: str) -> list[str]:
    """Worktrees, branches and terminals without a record, and records that say otherwise than
    tmux.
    """
    workers = {one.name: one for one in fleet.workers()}
    trees = {path.name for path in (project / ".worktrees").glob("*")}
    listed = git(project, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/worker/")
    asked = ["tmux", "-L", socket, "list-sessions", "-F", "#{session_name}"]
    terminals = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    there = {*trees, *listed.splitlines(), *terminals.splitlines()}
    found = [f"without a record: {name}" for name in there - {*workers}]
    terminal = Tmux(socket)
    for one in workers.values():
        is_alive = terminal.probe([one.handle])[one.handle] is Presence.ALIVE
        if is_alive is one.finished:
            found.append(f"{one.name} is {one.status}, though its terminal says otherwise")
        if one.reason not in ("", "its start was interrupted"):
            found.append(f"{one.name}: {one.reason}")
    return found
