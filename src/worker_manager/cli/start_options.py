"""What is wanted of a worker that is started: the options of `start` and `run`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from worker_manager.errors import InvalidInput

if TYPE_CHECKING:
    from worker_manager.crew.lifecycle.request import StartRequest

#: Of a task's first line.
TITLE_LIMIT = 60

_OPTIONS = (
    click.option("--title", help="A few words. Default: the task's first line."),
    click.option("--base", metavar="REF", help="Branch, tag or commit to start from."),
    click.option("--no-worktree", is_flag=True, help="Work in this directory itself."),
    click.option("--agent", metavar="NAME", help="A program, or one of your agents."),
    click.option("--model", metavar="NAME", help="Of the agent."),
    click.option("--permission-mode", metavar="MODE", help="Of Claude Code."),
    click.option("--budget-tokens", type=int, metavar="N", help="Then it is asked to stop."),
    click.option(
        "--check", "checks", multiple=True, metavar="COMMAND", help="Must pass before it completes."
    ),
    click.option(
        "--allowed-path", "allowed_paths", multiple=True, metavar="PATH", help="All it may change."
    ),
)


class Options(NamedTuple):
    """What was given for all workers that a command starts."""

    title: str | None
    base: str | None
    no_worktree: bool
    agent: str | None
    model: str | None
    permission_mode: str | None
    budget_tokens: int | None
    checks: tuple[str, ...]
    allowed_paths: tuple[str, ...]

    def wanted(self, task: str) -> StartRequest:
        """For one task."""
        from worker_manager.crew.lifecycle.request import StartRequest

        return StartRequest(
            self.title or title_of(task),
            task,
            use_worktree=not self.no_worktree,
            base_branch=self.base,
            agent=self.agent,
            model=self.model,
            permission_mode=self.permission_mode,
            budget_tokens=self.budget_tokens,
            checks=self.checks,
            allowed_paths=self.allowed_paths,
        )


def start_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives the function `options`."""

    def call(**given: Any) -> Any:
        options = Options(**{name: given.pop(name) for name in Options._fields})
        return function(options=options, **given)

    call.__doc__ = function.__doc__
    call.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(_OPTIONS):
        call = option(call)
    return call


def tasks(given: tuple[str, ...], files: tuple[Path, ...]) -> list[str]:
    """The tasks' texts; `-` and `--file -` stand for stdin. Raises InvalidInput."""
    texts = [sys.stdin.read() if task == "-" else task for task in given]
    texts += [_read(path) for path in files]
    if not texts:
        raise InvalidInput("There is no task. Give one in quotes, or a file with --file.")
    return texts


def title_of(task: str) -> str:
    """The beginning of its first line, in whole words where there are some."""
    first = next((line for line in task.splitlines() if line.strip()), "task").strip()
    if len(first) <= TITLE_LIMIT:
        return first
    return first[:TITLE_LIMIT].rpartition(" ")[0] or first[:TITLE_LIMIT]


def _read(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The task file {path} is no UTF-8 text. Convert it first.") from error
