"""Processes as `ps` and /proc show them."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether the process is there and has not ended."""
    # Not by a signal: tmux may leave a process that ended as a zombie for a while.
    state = _ps(pid, "stat")
    return bool(state) and not state.startswith("Z")


def with_ancestors(pid: int) -> list[int]:
    """A process, its parent, and so on."""
    family = []
    while pid > 1:
        family.append(pid)
        pid = int(_ps(pid, "ppid") or 0)
    return family


def processes_with(setting: str) -> Iterator[int]:
    """The processes in whose environment a setting, NAME=value, stands."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if setting.encode() in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)


def _ps(pid: int, column: str) -> str:
    command = ["ps", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False
    ).stdout.strip()
