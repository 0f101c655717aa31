"""Processes that we start and whose answer we wait for."""

import os
import select
import subprocess
import time
from contextlib import suppress
from typing import AnyStr

#: More than poll takes is of no use.
_MAX_SECONDS = 86_400.0


class Child(subprocess.Popen[AnyStr]):
    """Popen, whose `wait` with a time limit looks again after 1 ms, 2 ms, and so on (before Python
    3.15): half as long again as git or tmux takes to answer.
    """

    def wait(self, timeout: float | None = None) -> int:
        """As Popen's; the kernel tells when it has ended. Raises TimeoutExpired."""
        if timeout is None or self.returncode is not None:
            return super().wait(timeout)
        deadline = time.monotonic() + timeout
        # Where there is no pidfd, or no room for one, it looks again.
        with suppress(AttributeError, OSError):
            _await_end(self.pid, min(max(timeout, 0.0), _MAX_SECONDS))
        return super().wait(max(deadline - time.monotonic(), 0.0))


def _await_end(pid: int, seconds: float) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        ended.poll(seconds * 1_000)
    finally:
        os.close(descriptor)
