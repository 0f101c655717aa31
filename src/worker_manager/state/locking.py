"""Exclusive locks; the only importer of filelock."""

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
    from filelock import FileLock, Timeout  # 50 ms: hooks seldom lock

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
