"""Shell commands of others (checks, set-ups): with a time limit, a bounded output, and an end for
all that they have started.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

#: What is kept of an output: its end.
KEPT_BYTES = 64_000
_LOOK_SECONDS = 0.1
_PAUSE_SECONDS = 0.02
_PORTION_BYTES = 65_536
#: Of a command that has ended: more than a pipe holds.
_PORTIONS_LEFT = 16
#: From SIGTERM to SIGKILL.
_GRACE_SECONDS = 2.0
#: The process groups that run now.
_RUNNING: set[int] = set()


class Outcome(NamedTuple):
    """How a command ended. Without a code it took too long, or was cancelled."""

    code: int | None
    output: str
    seconds: float


def run(
    command: str,
    *,
    cwd: str,
    seconds: float,
    cancelled: threading.Event | None = None,
    told: Callable[[bytes], None] = lambda _: None,
) -> Outcome:
    """Runs it by `sh -c`, without a terminal to ask at. `told` gets all that it says. Raises
    OSError when it can't be started.

    It is the leader of a process group, which is ended with it.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    _RUNNING.add(process.pid)
    output = _Output(process, told)
    try:
        while (code := process.poll()) is None and time.monotonic() - started < seconds:
            if cancelled is not None and cancelled.is_set():
                break
            if not output.gather(_LOOK_SECONDS):
                time.sleep(_PAUSE_SECONDS)  # it may have closed its output and go on
    finally:
        _end(process)
        output.finish()
    return Outcome(code, output.text(), time.monotonic() - started)


def end_all() -> None:
    """Ends what runs now, at once: this process is about to end."""
    for group in list(_RUNNING):
        _signal(group, signal.SIGKILL)


class _Output:
    """The end of what a process has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], told: Callable[[bytes], None]) -> None:
        assert process.stdout is not None  # noqa: S101  it is a pipe
        self._stream = process.stdout
        self._told = told
        self._kept = bytearray()

    def gather(self, wait: float) -> bool:
        """Reads what is there, or comes soon; whether that was anything."""
        if not select.select([self._stream], [], [], wait)[0]:
            return False
        portion = os.read(self._stream.fileno(), _PORTION_BYTES)
        self._told(portion)
        self._kept += portion
        del self._kept[:-KEPT_BYTES]
        return bool(portion)

    def finish(self) -> None:
        """Reads what is left. A process that left the group may go on for ever."""
        for _ in range(_PORTIONS_LEFT):
            if not self.gather(0):
                break
        self._stream.close()

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends its whole group: a check that leaves something running would leave it for ever."""
    deadline = time.monotonic() + _GRACE_SECONDS
    number = int(signal.SIGTERM)
    while _signal(process.pid, number) and time.monotonic() < deadline:
        number = 0  # asks whether there is anybody left
        process.poll()
        time.sleep(_PAUSE_SECONDS)
    _signal(process.pid, signal.SIGKILL)
    process.wait()
    _RUNNING.discard(process.pid)


def _signal(group: int, number: int) -> bool:
    """Whether the group is there."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS: of a group of zombies
        return False
    return True
