"""A doorbell for processes: a named pipe in a home that wakes whoever waits there. An
orchestrator's bell is rung by every change of one of its workers, so that its server need not poll.
A worker's bell is rung by each message to it, for the `ask` that waits.

Nothing is kept in the pipe when nobody listens; a lost notification only delays the next check.
"""

import os
import stat
from _collections_abc import Sequence

from worker_manager.errors import ignoring
from worker_manager.state import process_identity

_BELL = "bell"
#: Where a wait can't be woken: without pipes, or by the end of a process that can't be waited for.
BLIND_SECONDS = 10.0
#: A ring may be missed: whoever should have rung was killed, or is of an older version.
MAX_SECONDS = 300.0


def notify(home: str) -> None:
    """Wakes the listener in a home; does nothing when there is none."""
    with ignoring(OSError):
        descriptor = os.open(_path(home), os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.write(descriptor, b"!")
        finally:
            os.close(descriptor)


class Bell:
    """The listener's end of a home's bell."""

    def __init__(self, home: str) -> None:
        self.home = home
        self._pipe = _open(_path(home))

    def close(self) -> None:
        """Stops listening."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    @property
    def is_lost(self) -> bool:
        """True if notifications no longer arrive: the home was removed, perhaps created again."""
        if self._pipe is None:
            return False
        try:
            return not os.path.samestat(os.lstat(_path(self.home)), os.fstat(self._pipe))
        except OSError:
            return True

    def wait(self, seconds: float | None, running: Sequence[str]) -> None:
        """Blocks until it is notified, one of the processes with these identities ends, or
        `seconds` are over (None: MAX_SECONDS); then drains the pipe.
        """
        import select  # hooks only ring

        limit = MAX_SECONDS if seconds is None else min(max(seconds, 0.0), MAX_SECONDS)
        waiting = select.poll()
        opened = [_process(identity) for identity in running]
        known = [descriptor for descriptor in opened if descriptor is not None]
        is_blind = self._pipe is None or len(known) < len(running)
        if is_blind:
            limit = min(limit, BLIND_SECONDS)
        try:
            for descriptor in [*known, *([self._pipe] if self._pipe is not None else [])]:
                waiting.register(descriptor, select.POLLIN)
            waiting.poll(limit * 1_000)
        finally:
            for descriptor in known:
                os.close(descriptor)
        self.drain()

    @property
    def descriptor(self) -> int | None:
        """The file descriptor that is readable from a notification until `drain`; None without
        pipes.
        """
        return self._pipe

    def drain(self) -> None:
        """Reads the notifications that have arrived, so that the next one wakes again."""
        if self._pipe is not None:
            with ignoring(BlockingIOError):
                os.read(self._pipe, 1_000)


def _path(home: str) -> str:
    return os.path.join(home, _BELL)


def _open(path: str) -> int | None:
    """Returns the opened pipe; None where the file system has no pipes."""
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
    """Returns a descriptor that is readable when the process ends (pidfd); None when there is
    none.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        descriptor = os.pidfd_open(int(identity.partition("-")[0]))
    except (OSError, ValueError):
        return None
    if process_identity.surely_runs(identity):
        return descriptor
    os.close(descriptor)  # it has ended, and its pid is another's
    return None
