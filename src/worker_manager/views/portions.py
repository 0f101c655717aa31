"""Portions of a worker's own texts, which fit into a result."""

from __future__ import annotations

from typing import NamedTuple

from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput
from worker_manager.text import rendering


class View(NamedTuple):
    """A worker's own text, unfenced; what we say of it; where the next one goes on, and whether
    there is more by now.
    """

    worker: Worker
    said: str
    text: str
    cursor: str = ""
    more: bool = False


def bad_cursor(cursor: str, what: str) -> InvalidInput:
    """The error of a cursor that belongs to another text."""
    return InvalidInput(
        f"cursor {cursor[:100]!r} is none of {what} as it is now. Give the cursor of the last "
        "result, or leave it out."
    )


def beginning(text: str, room: int) -> str:
    """A text, or as much of its beginning as fits, and how much is left out."""
    kept = rendering.fitting(text, room)
    return text if kept == len(text) else f"{text[:kept]}\n[... {len(text) - kept:,} more]"


def end_of(text: str, room: int) -> str:
    """Its last whole lines; of a line that is too long its end."""
    kept = rendering.fitting(text[::-1], room)
    if kept == len(text):
        return text
    shown = text[len(text) - kept :]
    return shown.partition("\n")[2] or shown
