"""Lines at the bottom of a terminal that are redrawn, with text printed above them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import click

_UP, _CLEAR_BELOW = "\x1b[{}A\r", "\x1b[J"


class Live:
    """Does nothing when stdout is no terminal. Lines must not be wider than `columns`."""

    def __init__(self) -> None:
        self.is_on = sys.stdout.isatty()
        self._shown: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    @property
    def columns(self) -> int:
        """The width of the terminal."""
        return shutil.get_terminal_size().columns

    def show(self, lines: Sequence[str]) -> None:
        """Replaces the lines shown before. When the terminal is too low: the first line, and as
        many of the last as fit.
        """
        room = max(2, shutil.get_terminal_size().lines - 1)
        kept = list(lines) if len(lines) <= room else [lines[0], *lines[1 - room :]]
        if self.is_on and kept != self._shown:
            self.clear()
            self._shown = kept
            click.echo("\n".join(kept))

    def clear(self) -> None:
        """Removes the lines; the next output takes their place."""
        if self._shown:
            click.echo(_UP.format(len(self._shown)) + _CLEAR_BELOW, nl=False, color=True)
            self._shown = []
