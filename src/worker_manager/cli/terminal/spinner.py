"""A spinner for operations that take more than a second, on a terminal only."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

AFTER_SECONDS = 1.0
TURN_SECONDS = 0.1
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_CLEAR = "\r\x1b[K"


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """Shows on stderr what is being done, until the block is left."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_spin, args=(doing, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _spin(doing: str, done: threading.Event) -> None:
    if done.wait(AFTER_SECONDS):
        return
    for frame in itertools.cycle(_FRAMES):
        sys.stderr.write(f"{_CLEAR}{frame} {doing} ...")
        sys.stderr.flush()
        if done.wait(TURN_SECONDS):
            break
    sys.stderr.write(_CLEAR)
    sys.stderr.flush()
