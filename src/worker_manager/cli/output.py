"""What commands print: text in colours that any background bears, or JSON."""

from __future__ import annotations

import json
from typing import Any

import click

from worker_manager.models import Status

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
    """The text in the colour of a status."""
    return click.style(text, **_COLORS.get(Status(status), {}))  # type: ignore[arg-type]


def bold(text: str) -> str:
    """A heading."""
    return click.style(text, bold=True)


def emit(result: Any) -> None:
    """A NamedTuple as one line of JSON."""
    click.echo(json.dumps(plain(result)))


def plain(value: Any) -> Any:
    """NamedTuples as objects, sequences as lists; JSON can hold the rest."""
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return value
