"""Exclusive locks; the only importer of filelock."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from worker_manager.errors import StateBusy, StateUnavailable

TIMEOUT_SECONDS = 10.0


@contextmanager
def exclusive(
    path: str,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    when_busy: Callable[[], object] = lambda: None,
) -> Iterator[None]:
    """Holds the lock file `path`; the kernel frees it when the holder dies. `when_busy` is done
    first when another holds it: what need not wait for that.

    Never nest two on one path in one thread: they would wait for each other.
    """
    descriptor = _taken_at_once(path)
    if descriptor is None:
        with _waited_for(path, timeout_seconds, when_busy):
            yield
        return
    try:
        yield
    finally:
        # Closed alone it would be held on: a child between its fork and its exec has it open, too.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _taken_at_once(path: str) -> int | None:
    """The descriptor that holds the lock, the same as filelock's; None when another holds it, or
    it is not as easy.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:  # else it was removed before we had it
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


@contextmanager
def _waited_for(
    path: str, timeout_seconds: float, when_busy: Callable[[], object]
) -> Iterator[None]:
    from filelock import FileLock, Timeout  # 30 ms, 3 MB: for a wait only

    lock = FileLock(path, timeout=timeout_seconds, mode=0o600, fallback_to_soft=False)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            when_busy()
            lock.acquire()
    except Timeout as error:
        raise StateBusy(
            f"Another process has held {path} for {timeout_seconds:.0f} s. Try again."
        ) from error
    except OSError as error:
        raise StateUnavailable(
            f"{os.path.dirname(path)} can't be locked: {error.strerror}. "
            "Make it writable, then try again."
        ) from error
    try:
        yield
    finally:
        lock.release()
