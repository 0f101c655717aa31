"""Records what a completion needs of each command, as click has it: a test compares.

python -m worker_manager.cli.recording
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from worker_manager.cli import arguments, recorded_options
from worker_manager.cli.program import LazyGroup
from worker_manager.cli.recorded_options import Option
from worker_manager.cli.registry import COMMANDS


def options() -> dict[str, tuple[Option, ...]]:
    """The options of each command, in the order of its help."""
    return {name: tuple(_options_of(command)) for name, command in _commands()}


def workers() -> dict[str, int]:
    """Of each command whose first argument names workers, how many: -1 is any number."""
    found = {}
    for name, command in _commands():
        first = next((one for one in command.params if isinstance(one, click.Argument)), None)
        if first is not None and first._custom_shell_complete is arguments.complete:
            found[name] = first.nargs
    return found


def _commands() -> list[tuple[str, click.Command]]:
    group = LazyGroup()
    context = click.Context(group)
    found = [(name, group.get_command(context, name)) for name in COMMANDS]
    return [(name, command) for name, command in found if command is not None]


def _options_of(command: click.Command) -> list[Option]:
    context = click.Context(command, help_option_names=["-h", "--help"])
    return [
        ((*one.opts, *one.secondary_opts), one.is_flag, one.help or "")
        for one in command.get_params(context)
        if isinstance(one, click.Option) and not one.hidden
    ]


def main() -> None:
    """Writes them into their module, below its head."""
    path = Path(recorded_options.__file__)
    head, _, _ = path.read_text("utf-8").partition("#: By command.")
    path.write_text(head + "".join(_lines()), "utf-8")


def _lines() -> Iterator[str]:
    yield "#: By command.\nOPTIONS: dict[str, tuple[Option, ...]] = {\n"
    for name, listed in options().items():
        yield f"    {_quoted(name)}: (\n"
        for names, is_flag, meaning in listed:
            listed_names = ", ".join(map(_quoted, names)) + ("," if len(names) == 1 else "")
            yield f"        (({listed_names}), {is_flag}, {_quoted(meaning)}),\n"
        yield "    ),\n"
    yield "}\n\n#: How many workers a command is given, by command; -1: any number.\n"
    yield "WORKERS: dict[str, int] = {\n"
    for name, count in workers().items():
        yield f"    {_quoted(name)}: {count},\n"
    yield "}\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    main()
