"""JSON Schema of what `--json` prints, made from the declared results.

python -m worker_manager.cli.schema > docs/reference/json-schema.json
"""

from __future__ import annotations

import json
import sys
import types
import typing
from typing import Any

import click

from worker_manager.cli import results
from worker_manager.cli.declaration import Command
from worker_manager.cli.failures import Failure
from worker_manager.cli.program import LazyGroup
from worker_manager.cli.registry import COMMANDS

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def whole() -> dict[str, Any]:
    """`$defs` has each result and `Failure`; `commands` names that of each command."""
    names = {name: result for name in COMMANDS if (result := result_of(name))}
    definitions: dict[str, Any] = {}
    for result in (*(getattr(results, name) for name in names.values()), Failure):
        _define(result, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What worker-manager COMMAND --json prints",
        "commands": names,
        "$defs": dict(sorted(definitions.items())),
    }


def result_of(name: str) -> str:
    """The name of a command's result; empty without one."""
    command = LazyGroup().get_command(click.Context(LazyGroup()), name)
    assert isinstance(command, Command)  # noqa: S101  make_command makes no others
    return command.result


def _define(kind: Any, definitions: dict[str, Any]) -> None:
    if kind.__name__ in definitions:
        return
    definitions[kind.__name__] = {}  # it may hold itself
    hints = typing.get_type_hints(kind)
    definitions[kind.__name__] = {
        "description": " ".join((kind.__doc__ or "").split()),
        "type": "object",
        "properties": {name: _schema(hint, definitions) for name, hint in hints.items()},
        "required": list(hints),
    }


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint in _TYPES:
        return {"type": _TYPES[hint]}
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is list:
        return {"type": "array", "items": _schema(parts[0], definitions)}
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return {"anyOf": [_schema(part, definitions) for part in parts]}
    _define(hint, definitions)
    return {"$ref": f"#/$defs/{hint.__name__}"}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(whole(), indent=1) + "\n")
