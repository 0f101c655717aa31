"""A bell in a home, for the one that listens there. In an orchestrator's: whoever changes one of
its workers rings, and the server that looks after them need not look when nothing has happened.
In a worker's: whoever sends it a message rings, for the `ask` that waits.

A pipe: nothing is left in it when nobody listens, and a ring that was missed costs a later look,
no more.
"""

import os
import select
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
    """Wakes who listens in a home; nothing happens when nobody does."""
    with ignoring(OSError):
        descriptor = os.open(_path(home), os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.write(descriptor, b"!")
        finally:
            os.close(descriptor)


class Bell:
    """The bell of a home, for who listens there."""

    def __init__(self, home: str) -> None:
        self.home = home
        self._pipe = _open(_path(home))

    def close(self) -> None:
        """Nobody listens any more."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    @property
    def is_lost(self) -> bool:
        """Whether rings don't come here any more: its home was removed, and maybe made anew."""
        if self._pipe is None:
            return False
        try:
            return not os.path.samestat(os.lstat(_path(self.home)), os.fstat(self._pipe))
        except OSError:
            return True

    def wait(self, seconds: float | None, running: Sequence[str]) -> None:
        """Until it rings, one of the processes of these identities ends, or the time is over;
        without `seconds` there is none, but for MAX_SECONDS.
        """
        limit = MAX_SECONDS if seconds is None else min(max(seconds, 0.0), MAX_SECONDS)
        waiting = select.poll()
        opened = [_process(identity) for identity in running]
        known = [one for one in opened if one is not None]
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
        """What becomes readable when it rings, until it is silenced; None without pipes."""
        return self._pipe

    def drain(self) -> None:
        """It was heard."""
        if self._pipe is not None:
            with ignoring(BlockingIOError):
                os.read(self._pipe, 1_000)


def _path(home: str) -> str:
    return os.path.join(home, _BELL)


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
    if process_identity.surely_runs(identity):
        return descriptor
    os.close(descriptor)  # it has ended, and its pid is another's
    return None
