"""The `codex` that is installed: where it is, and whether it can what we need. Releases come each
week, so it is asked for what it has, not for its version.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from typing import NamedTuple

from worker_manager.agents.base import Packaging
from worker_manager.errors import AgentNotInstalled

INSTALL = "npm install -g @openai/codex"
PACKAGING = Packaging("codex", INSTALL)
#: Its help takes 10 ms; the launcher of npm 50 ms more.
SECONDS = 20.0
_QUEUE = re.compile(r"^\s+queue\s", re.MULTILINE)


class Program(NamedTuple):
    """Its path, and what stands in its help."""

    path: str
    has_queue: bool
    has_daemon: bool  #: it can share a background server, and has a flag not to


def find() -> Program:
    """The one on the PATH. Raises AgentNotInstalled with the command that installs it."""
    found = shutil.which("codex")
    if found is None:
        raise AgentNotInstalled(
            f"`codex` is not on the PATH. Install Codex ({INSTALL}), or choose another agent."
        )
    path = os.path.abspath(found)
    try:
        changed = os.stat(path).st_mtime_ns
    except OSError as error:
        raise AgentNotInstalled(f"{path} can't be run: {error.strerror}.") from error
    return _asked(path, changed)


def usable() -> Program:
    """The same; raises AgentNotInstalled, too, when it can't be told anything while it runs."""
    program = find()
    if not program.has_queue:
        raise AgentNotInstalled(
            f"{program.path} is too old: it has no command `queue`, by which a worker gets its "
            f"messages. Upgrade Codex ({INSTALL}@latest), or choose another agent."
        )
    return program


@cache
def _asked(path: str, _changed: int) -> Program:
    try:
        done = subprocess.run(
            [path, "--help"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AgentNotInstalled(f"{path} can't be run: {error}.") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise AgentNotInstalled(f"{path} --help fails: {said}. Install Codex again ({INSTALL}).")
    return Program(path, bool(_QUEUE.search(done.stdout)), "--no-daemon" in done.stdout)
