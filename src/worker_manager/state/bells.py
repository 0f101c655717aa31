"""A bell in an orchestrator's home: whoever changes one of its workers rings, and the server that
looks after them need not look when nothing has happened. A pipe: nothing is left in it when nobody
listens, and a ring that was missed costs a later look, no more.
"""

import os
import select
import stat
from collections.abc import Sequence

from worker_manager.errors import ignoring
from worker_manager.state import processes

_BELL = "bell"
#: Where a wait can't be woken: without pipes, or by the end of a process that can't be waited for.
BLIND_SECONDS = 10.0


def ring(home: str) -> None:
    """Wakes who listens in an orchestrator's home; nothing happens when nobody does."""
    with ignoring(OSError):
        path = os.path.join(home, _BELL)
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.write(descriptor, b"!")
        finally:
            os.close(descriptor)


class Bell:
    """The bell of a home, for its server."""

    def __init__(self, home: str) -> None:
        self.home = home
        self._pipe = _open(os.path.join(home, _BELL))

    def close(self) -> None:
        """Nobody listens any more."""
        if self._pipe is not None:
            os.close(self._pipe)

    def wait(self, seconds: float | None, running: Sequence[str]) -> None:
        """Until it rings, one of the processes of these identities ends, or the time is over;
        without `seconds` there is no limit.
        """
        waiting = select.poll()
        opened = [_process(identity) for identity in running]
        known = [one for one in opened if one is not None]
        is_blind = self._pipe is None or len(known) < len(running)
        if is_blind and (seconds is None or seconds > BLIND_SECONDS):
            seconds = BLIND_SECONDS
        try:
            for descriptor in [*known, *([self._pipe] if self._pipe is not None else [])]:
                waiting.register(descriptor, select.POLLIN)
            waiting.poll(None if seconds is None else max(seconds, 0) * 1_000)
        finally:
            for descriptor in known:
                os.close(descriptor)
        self._silence()

    def _silence(self) -> None:
        if self._pipe is not None:
            with ignoring(BlockingIOError):
                os.read(self._pipe, 1_000)


def _open(path: str) -> int | None:
    """Its pipe; None where the disk has none."""
    try:
        with ignoring(FileExistsError):
            os.mkfifo(path, 0o600)
        if not stat.S_ISFIFO(os.lstat(path).st_mode):
            return None
        # For writing, too: else it would end when the last one that rings has gone.
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None


def _process(identity: str) -> int | None:
    """What becomes readable when the process ends; None when that can't be had."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        descriptor = os.pidfd_open(int(identity.partition("-")[0]))
    except (OSError, ValueError):
        return None
    if processes.surely_runs(identity):
        return descriptor
    os.close(descriptor)  # it has ended, and its pid is another's
    return None
