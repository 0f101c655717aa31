"""Running a person's shell command to its end, or to the end of its time."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import NamedTuple

#: Of what it says, the end.
TAIL_BYTES = 3_000


class Ended(NamedTuple):
    """Its exit code, None when its time was over, and the end of what it said."""

    code: int | None
    said: str


def run_shell(command: str, *, cwd: str, seconds: float) -> Ended:
    """Runs it, and ends all that it has started when its time is over."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return Ended(code, _end_of(output.fileno()))


def _end_of(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, TAIL_BYTES, max(0, size - TAIL_BYTES)).decode("utf-8", "replace")
