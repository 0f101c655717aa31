"""What commands print: text in colours that any background bears, or JSON."""

from __future__ import annotations

import shutil
import sys
from typing import Any, TextIO

import click

from worker_manager.cli.terminal.columns import broken
from worker_manager.domain.worker import Status
from worker_manager.text.output import json_line

#: No yellow, which a light terminal swallows, and no blue, which a dark one does. The word tells
#: the status; the colour only helps.
_COLORS = {
    Status.RUNNING: {"fg": "cyan"},
    Status.ASKING: {"fg": "magenta", "bold": True},
    Status.BLOCKED: {"fg": "magenta", "bold": True},
    Status.COMPLETED: {"fg": "green"},
    Status.FAILED: {"fg": "red", "bold": True},
}


def in_color(status: str, text: str) -> str:
    """Returns the text in the color of a status."""
    return click.style(text, **_COLORS.get(Status(status), {}))  # type: ignore[arg-type]


def bold(text: str) -> str:
    """Returns the text as a heading."""
    return click.style(text, bold=True)


def print_wrapped(text: str, *, is_error: bool = False) -> None:
    """Prints our own sentences, wrapped at the width of the terminal."""
    click.echo(wrapped(text, sys.stderr if is_error else sys.stdout), err=is_error)


def wrapped(text: str, stream: TextIO | None = None) -> str:
    """Wraps our own sentences at words, if `stream` (stdout) is a terminal. Lines that begin with a
    space are commands or laid out: they are kept as they are.
    """
    if not (stream or sys.stdout).isatty():
        return text
    columns = shutil.get_terminal_size().columns
    return "\n".join(
        part
        for line in text.split("\n")
        for part in ([line] if line.startswith(" ") else broken(line, columns))
    )


def emit(result: Any) -> None:
    """Prints a NamedTuple as one line of JSON."""
    click.echo(json_line(plain(result)))


def plain(value: Any) -> Any:
    """Converts NamedTuples to dicts and sequences to lists; leaves other values as they are."""
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return value
