"""What commands print: text in colours that any background bears, or JSON."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any, TextIO

from worker_manager.cli.terminal.columns import broken
from worker_manager.domain.worker import Status
from worker_manager.text.output import json_line

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_RED, _GREEN, _MAGENTA, _CYAN = (f"\x1b[{number}m" for number in (31, 32, 35, 36))
#: No yellow, which a light terminal swallows, and no blue, which a dark one does. The word tells
#: the status; the colour only helps.
_COLORS = {
    Status.RUNNING: _CYAN,
    Status.ASKING: _MAGENTA + _BOLD,
    Status.BLOCKED: _MAGENTA + _BOLD,
    Status.COMPLETED: _GREEN,
    Status.FAILED: _RED + _BOLD,
}


def in_color(status: str, text: str) -> str:
    """Returns the text in the color of a status, where stdout takes colors."""
    return _painted(_COLORS.get(Status(status), ""), text)


def bold(text: str) -> str:
    """Returns the text as a heading, where stdout takes colors."""
    return _painted(_BOLD, text)


def echo(text: str, *, is_error: bool = False) -> None:
    """Prints a text at once. For commands that don't load click, whose `echo` does the same."""
    stream = sys.stderr if is_error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


def _painted(code: str, text: str) -> str:
    takes_colors = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"{code}{text}{_PLAIN}" if code and takes_colors else text


def print_wrapped(text: str, *, is_error: bool = False) -> None:
    """Prints our own sentences, wrapped at the width of the terminal."""
    echo(wrapped(text, sys.stderr if is_error else sys.stdout), is_error=is_error)


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
    echo(json_line(plain(result)))


def plain(value: Any) -> Any:
    """Converts NamedTuples to dicts and sequences to lists; leaves other values as they are."""
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return value
