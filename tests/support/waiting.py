"""Waiting for what happens in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

#: A busy machine is slow; only a failure takes that long.
WAIT_SECONDS = 120.0

T = TypeVar("T")


def wait_until(
    look: Callable[[], T | None],
    seconds: float = WAIT_SECONDS,
    missing: Callable[[], str] = lambda: "it has not happened",
) -> T:
    """Look again and again until there is something; fail with what is missing."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s: {missing()}")
        time.sleep(0.03)
