"""Text in columns of a terminal, where some characters take two and some none."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_WIDE = ("W", "F")
_NO_WIDTH = ("Mn", "Me", "Cf")


def width(text: str) -> int:
    """How many columns it takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, columns: int) -> str:
    """Its beginning, with an ellipsis where something is missing; at most so wide."""
    if width(text) <= columns:
        return text
    return f"{text[: _fitting(text, columns - 1)]}…" if columns > 0 else ""


def fill(text: str, columns: int) -> str:
    """Cut, or with spaces behind: exactly so wide."""
    shown = cut(text, columns)
    return shown + " " * (columns - width(shown))


def broken(text: str, columns: int) -> list[str]:
    """In lines that are at most so wide, at spaces where there are some."""
    lines = []
    while width(text) > columns > 1:
        end = _fitting(text, columns)
        space = text.rfind(" ", end // 2, end + 1)
        end = space if space > 0 else end
        lines.append(text[:end])
        text = text[end:].lstrip(" ")
    return [*lines, text]


def widths(rows: Sequence[Sequence[str]], most: Sequence[int]) -> list[int]:
    """What each column needs of its `most`."""
    return [
        min(limit, max(width(row[number]) for row in rows)) for number, limit in enumerate(most)
    ]


def _fitting(text: str, columns: int) -> int:
    """How many of its first characters are at most so wide."""
    for number, character in enumerate(text):
        columns -= _width(character)
        if columns < 0:
            return number
    return len(text)


def _width(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
