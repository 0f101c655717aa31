"""How a failure is told: a sentence on stderr, or with --json an object on stdout."""

from __future__ import annotations

import re
from typing import NamedTuple

import click

from worker_manager.cli.exit_codes import Exit
from worker_manager.cli.terminal.output import emit, print_wrapped
from worker_manager.errors import WorkerManagerError
from worker_manager.text import rendering
from worker_manager.text.commands import for_people


class Failure(NamedTuple):
    """With --json printed on stdout in the place of the result. `code` names the kind of failure:
    `usage`, `bug`, or an error of ours such as `merge_refused`; `shown` is what a program said.
    """

    error: str
    code: str
    shown: str


def of(error: Exception) -> tuple[Failure, Exit]:
    """What to say of an error, and the exit code."""
    if isinstance(error, click.ClickException):
        hint = _usage(error)
        return Failure(_sentence(error.format_message()) + hint, "usage", ""), Exit.USAGE
    if isinstance(error, WorkerManagerError):
        text, shown = rendering.clean(for_people(error.text)), rendering.clean(error.shown)
        return Failure(text, _code(error), shown), Exit.FAILED
    if isinstance(error, OSError):
        text = f"{error.filename or 'The system'}: {error.strerror}. Repair that, then try again."
        return Failure(rendering.clean(text), "system", ""), Exit.FAILED
    text = f"This is a bug: {type(error).__name__}: {rendering.one_line(str(error))}. "
    return Failure(f"{text}The same with --debug shows where.", "bug", ""), Exit.FAILED


def tell(error: Exception, *, as_json: bool) -> Exit:
    """Says it; the exit code."""
    failure, code = of(error)
    if as_json:
        emit(failure)
        return code
    print_wrapped(f"worker-manager: {failure.error}", is_error=True)
    if failure.shown:
        click.echo(failure.shown, err=True)
    return code


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f" {context.command_path} --help shows how." if context else ""


def _sentence(text: str) -> str:
    line = rendering.one_line(text)
    return line if line.endswith((".", "?", "!")) else f"{line}."


def _code(error: WorkerManagerError) -> str:
    """MergeRefused: merge_refused."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
