"""Text in columns of a terminal, where some characters take two and some none."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_WIDE = ("W", "F")
_NO_WIDTH = ("Mn", "Me", "Cf")


def width(text: str) -> int:
    """Returns how many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, columns: int) -> str:
    """Shortens a text to at most `columns`, with an ellipsis at its end when something is cut
    off.
    """
    if width(text) <= columns:
        return text
    return f"{text[: _fitting(text, columns - 1)]}…" if columns > 0 else ""


def fill(text: str, columns: int) -> str:
    """Cuts or pads a text to exactly `columns`."""
    shown = cut(text, columns)
    return shown + " " * (columns - width(shown))


def broken(text: str, columns: int) -> list[str]:
    """Breaks a text into lines of at most `columns`, at spaces where possible."""
    lines = []
    while width(text) > columns > 1:
        end = _fitting(text, columns)
        space = text.rfind(" ", end // 2, end + 1)
        end = space if space > 0 else end
        lines.append(text[:end])
        text = text[end:].lstrip(" ")
    return [*lines, text]


def widths(rows: Sequence[Sequence[str]], most: Sequence[int]) -> list[int]:
    """Returns the width of each column: that of its widest cell, at most its limit in `most`."""
    return [
        min(limit, max(width(row[number]) for row in rows)) for number, limit in enumerate(most)
    ]


def _fitting(text: str, columns: int) -> int:
    """Returns how many of the first characters fit into the columns."""
    for number, character in enumerate(text):
        columns -= _width(character)
        if columns < 0:
            return number
    return len(text)


def _width(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
