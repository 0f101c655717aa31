"""What a rehearsal leaves when its terminals are gone: processes that still end, and files."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import psutil

#: By this variable, with a directory of its own, each process of a rehearsal is known.
STATE = "WORKER_MANAGER_STATE_DIR"
#: So long processes may take to end by themselves, on a slow machine too; then they are ended.
END_SECONDS = 20.0
_POLL_SECONDS = 0.1
_REMOVALS = 20


def wait_for_end(state: str) -> None:
    """Waits until no process with that state directory runs; ends those that go on."""
    deadline = time.monotonic() + END_SECONDS
    seen = 0
    while seen < 2:  # one may start while the list is read
        running = _processes(state)
        seen = 0 if running else seen + 1
        if running and time.monotonic() > deadline:
            for process in running:
                with suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(running, timeout=END_SECONDS)
            return
        if running:
            time.sleep(_POLL_SECONDS)


def remove(folder: Path) -> bool:
    """Removes a directory; whether it is gone."""
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _processes(state: str) -> list[psutil.Process]:
    return [one for one in psutil.process_iter() if one.pid != os.getpid() and _is_of(one, state)]


def _is_of(process: psutil.Process, state: str) -> bool:
    try:
        return process.environ().get(STATE) == state
    except (psutil.Error, OSError):  # ended, or another person's
        return False
