"""The command line as click knows it; each command's module is loaded when it is called."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from worker_manager import __version__
from worker_manager.cli.declaration import debug_option
from worker_manager.cli.exit_codes import Exit
from worker_manager.cli.registry import COMMANDS, SECTIONS
from worker_manager.domain.identifiers import COMPLETING, PROGRAM


class LazyGroup(click.Group):
    """Knows its commands without loading any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, as the help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Loads one."""
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f"{__package__}.commands.{COMMANDS[cmd_name].module}").command
        assert isinstance(found, click.Command)  # noqa: S101  a mistake of ours, seen by each test
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the nearest name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(name, COMMANDS, n=1)
            hint = f"Did you mean {near[0]}?" if near else "worker-manager --help lists them."
            raise click.UsageError(f"There is no command {name[:100]!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """In sections."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in section.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands; click's own would load each for its help."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=entry.summary)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]


@click.group(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="worker-manager COMMAND --help shows how, with an example.",
)
@click.version_option(__version__, message="%(version)s")
def program() -> None:
    """Run a crew of autonomous Claude Code workers, each in its own terminal and git worktree."""


program.params.append(debug_option())


def run(arguments: list[str]) -> int:
    """The exit code. Raises what a command raises, and click's UsageError."""
    stdout = sys.stdout
    color: dict[str, Any] = {"color": False} if os.environ.get("NO_COLOR") else {}
    try:
        ended = program.main(
            arguments, PROGRAM, complete_var=COMPLETING, standalone_mode=False, **color
        )
    except SystemExit as end:  # of a completion, or click has put another in the closed one's place
        return int(end.code or 0) if sys.stdout is stdout else Exit.CLOSED_PIPE
    except click.Abort:
        return Exit.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return Exit.OK if not arguments else Exit.USAGE
    return ended if isinstance(ended, int) else Exit.OK
