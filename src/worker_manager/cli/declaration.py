"""What every command has: an example in its help, `--json` with a declared shape, `--debug`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from worker_manager.cli import registry
from worker_manager.errors import InvalidInput


class Command(click.Command):
    """`result` names the one of `results` that `--json` prints; empty: none. `is_stream`: one on
    each line.
    `acts`: it does something in the name of an orchestrator.
    """

    def __init__(
        self,
        *args: Any,
        example: str = "",
        result: str = "",
        is_stream: bool = False,
        acts: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.example = example
        self.result = result
        self.is_stream = is_stream
        self.acts = acts

    def invoke(self, ctx: click.Context) -> Any:
        """Not by a worker when it acts: it would speak with its orchestrator's voice, and could
        allow itself what it asks for. Raises InvalidInput.
        """
        worker_id = _worker_here() if self.acts else ""
        if worker_id:
            raise InvalidInput(
                f"This is the shell of worker {worker_id[:40]}: its orchestrator, or a person at "
                "a terminal of their own, does that. Ask for it with the tool `ask`."
            )
        return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, as it is typed."""
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _worker_here() -> str:
    """The worker whose shell this is; a variable alone is soon taken away."""
    from worker_manager.state.layout import state_root
    from worker_manager.state.workers import launches

    return os.environ.get("WORKER_MANAGER_WORKER_ID") or launches.worker_above(state_root())


def debug_option() -> click.Option:
    """`entry` looks for it: an error may come before options are read."""
    help_text = "Show a traceback with an error."
    return click.Option(["--debug"], is_flag=True, expose_value=False, help=help_text)


def make_command(
    name: str, *, example: str, result: str = "", is_stream: bool = False, acts: bool = False
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
            acts=acts,
            short_help=registry.COMMANDS[name].summary,
        )(function)
        made.params.append(debug_option())
        if result:
            made.params.insert(-1, _json_option(is_stream=is_stream))
        return made

    return make


def _json_option(*, is_stream: bool) -> click.Option:
    said = "Print JSON, one value on each line." if is_stream else "Print JSON."
    return click.Option(["--json", "as_json"], is_flag=True, help=said)
