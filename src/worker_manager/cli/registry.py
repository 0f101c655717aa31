"""The commands by name; each one's module is loaded when it is called."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """Where a command's module lies, below this package, and what it does in a few words."""

    module: str
    summary: str


#: To add a command: a module here with a `command`, and a line.
SECTIONS: dict[str, dict[str, Entry]] = {
    "Work": {
        "run": Entry("run", "Do a whole job: start, follow, answer, merge."),
        "start": Entry("start", "Start a worker and come back at once."),
        "answer": Entry("answer", "Answer a worker's question or permission."),
        "nudge": Entry("nudge", "Send a worker a message; wakes and reopens it."),
        "stop": Entry("stop", "End a worker's session; its work stays."),
    },
    "Look": {
        "ls": Entry("ls", "List the workers of this repository."),
        "watch": Entry("watch", "See all workers live, and act with a key."),
        "attach": Entry("attach", "Go to a worker's terminal."),
        "screen": Entry("screen", "Show what a worker's terminal shows."),
        "logs": Entry("logs", "Show what a worker did."),
        "diff": Entry("diff", "Show what a worker changed."),
        "mail": Entry("mail", "Show the letters of your workers."),
    },
    "Bring home": {
        "merge": Entry("merge", "Merge finished workers' branches."),
        "clean": Entry("clean", "Remove what merged workers left; saved first."),
        "restore": Entry("restore", "Go on with a worker that has ended."),
        "adopt": Entry("adopt", "Take over workers whose session is gone."),
    },
    "Set up": {
        "doctor": Entry("doctor", "Try whether all that is needed works here."),
        "demo": Entry("demo", "See the whole job done once, here, in seconds."),
        "completion": Entry("completion", "Print the completion script of a shell."),
    },
}
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


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
