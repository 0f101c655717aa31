"""Runs a command line: parses it, calls the command, and turns every end into an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import Any

import click

from worker_manager import __version__
from worker_manager.cli import failures
from worker_manager.cli.declaration import debug_option
from worker_manager.cli.exit_codes import Exit
from worker_manager.cli.registry import LazyGroup
from worker_manager.domain.identifiers import COMPLETING, PROGRAM
from worker_manager.text.output import spare_streams


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


def main(arguments: list[str]) -> int:
    """The exit code (`codes`). Nothing but a bug leaves a traceback, and that with --debug only."""
    spare_streams()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return Exit.CLOSED_PIPE
    return code


def _run(arguments: list[str]) -> int:
    stdout = sys.stdout
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    color: dict[str, Any] = {"color": False} if os.environ.get("NO_COLOR") else {}
    try:
        ended = program.main(
            arguments, PROGRAM, complete_var=COMPLETING, standalone_mode=False, **color
        )
    except SystemExit as end:  # of a completion; or click has put another in the closed one's place
        return int(end.code or 0) if sys.stdout is stdout else Exit.CLOSED_PIPE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return Exit.OK if not arguments else Exit.USAGE
    except Exception as error:  # noqa: BLE001  the top: a person gets a sentence
        if "--debug" in ours:
            traceback.print_exc()
        return failures.tell(error, as_json="--json" in ours)
    return ended if isinstance(ended, int) else Exit.OK


def _drop_output() -> None:
    """Python would complain at its end that what is left can't be written."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
