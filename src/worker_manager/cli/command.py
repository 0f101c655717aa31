"""What every command has: an example in its help, `--json` with a declared shape, `--debug`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from worker_manager.cli import group

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """`result` names the one of `results` that `--json` prints; `is_stream`: one on each line."""

    def __init__(
        self,
        *args: Any,
        example: str = "",
        result: str,
        is_stream: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.example = example
        self.result = result
        self.is_stream = is_stream

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, as it is typed."""
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def debug_option() -> click.Option:
    """`entry` looks for it: an error may come before options are read."""
    help_text = "Show a traceback with an error."
    return click.Option(["--debug"], is_flag=True, expose_value=False, help=help_text)


def make_command(
    name: str, *, example: str, result: str, is_stream: bool = False
) -> Callable[[Callable[..., Any]], Command]:
    """Makes a command of a function that gives an exit code or nothing; its docstring is the help.
    With a `result` the function is given `as_json`.
    """

    def make(function: Callable[..., Any]) -> Command:
        made = click.command(
            name,
            cls=Command,
            example=example,
            result=result,
            is_stream=is_stream,
            short_help=group.COMMANDS[name].summary,
        )(function)
        said = "Print JSON, one value on each line." if is_stream else "Print JSON."
        json_option = click.Option(["--json", "as_json"], is_flag=True, help=said)
        made.params += [json_option, debug_option()]
        return made

    return make
