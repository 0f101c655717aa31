"""What a completion needs of each command: made by `recording`, never written by hand."""

from __future__ import annotations

from typing import NamedTuple


class Option(NamedTuple):
    """An option's names, whether it goes without a value, and its help."""

    names: tuple[str, ...]
    is_flag: bool
    help: str


#: By command.
OPTIONS: dict[str, tuple[Option, ...]] = {
    "run": (
        Option(("--file",), False, "With a task."),
        Option(("--follow",), False, "Go on with one that was started before."),
        Option(("--merge",), True, "Merge what completes, without asking."),
        Option(("--yes",), True, "Ask nothing, and merge what completes."),
        Option(("--title",), False, "A few words. Default: the task's first line."),
        Option(("--base",), False, "Branch, tag or commit to start from."),
        Option(("--no-worktree",), True, "Work in this directory itself."),
        Option(("--agent",), False, "claude, or scripted."),
        Option(("--model",), False, "Of the agent."),
        Option(("--permission-mode",), False, "Of Claude Code."),
        Option(("--budget-tokens",), False, "Then it is asked to stop."),
        Option(("--check",), False, "Must pass before it completes."),
        Option(("--allowed-path",), False, "All it may change."),
        Option(("--json",), True, "Print JSON, one value on each line."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "start": (
        Option(("--file",), False, "With a task."),
        Option(("--title",), False, "A few words. Default: the task's first line."),
        Option(("--base",), False, "Branch, tag or commit to start from."),
        Option(("--no-worktree",), True, "Work in this directory itself."),
        Option(("--agent",), False, "claude, or scripted."),
        Option(("--model",), False, "Of the agent."),
        Option(("--permission-mode",), False, "Of Claude Code."),
        Option(("--budget-tokens",), False, "Then it is asked to stop."),
        Option(("--check",), False, "Must pass before it completes."),
        Option(("--allowed-path",), False, "All it may change."),
        Option(("--json",), True, "Print JSON, one value on each line."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "answer": (
        Option(("--because",), False, "With deny: why, and what to do instead."),
        Option(("--message-id",), False, "Of the letter that you answer, if several wait."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "nudge": (
        Option(("--key",), False, "The same message with the same key is sent once."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "stop": (
        Option(("--force",), True, "Now, without asking it first."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "ls": (
        Option(("--watch",), True, "Go on until ^C; with --json a line for each change."),
        Option(("--all",), True, "Cleaned workers, too."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "watch": (
        Option(("--web",), True, "In a browser, from this machine alone."),
        Option(("--port",), False, "Of --web; a free one by default."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "attach": (
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "screen": (
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "logs": (
        Option(("--all",), True, "From its beginning."),
        Option(("-f", "--follow"), True, "Go on until it has finished, or ^C."),
        Option(("--json",), True, "Print JSON, one value on each line."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "diff": (
        Option(("--stat",), True, "How much in which files, of what is committed."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "mail": (
        Option(("--peek",), True, "Leave them waiting."),
        Option(("--history",), True, "The last 20 that were shown before."),
        Option(("-f", "--follow"), True, "Go on until ^C, and show each as it comes."),
        Option(("--json",), True, "Print JSON, one value on each line."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "merge": (
        Option(("--strategy",), False, ""),
        Option(("--into",), False, "Default: the one it started from."),
        Option(("--check",), False, "Run after each; a failure undoes it."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "clean": (
        Option(("--dry-run",), True, "Only tell what would go."),
        Option(("--force",), True, "Unmerged or uncommitted work, too: named ones only."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "restore": (
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "adopt": (
        Option(("--force",), True, "From a session that runs, too: named ones only."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "doctor": (
        Option(("--fix",), True, "Repair what can be, safely."),
        Option(("--deep",), True, "Wake a real session; costs a short turn of the model."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "demo": (
        Option(("--agent",), False, ""),
        Option(("--keep",), True, "Leave everything to look at."),
        Option(("--below",), False, "Make its repository in DIR."),
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
    "completion": (
        Option(("--json",), True, "Print JSON."),
        Option(("--debug",), True, "Show a traceback with an error."),
        Option(("-h", "--help"), True, "Show this message and exit."),
    ),
}

#: How many workers a command is given, by command; -1: any number.
WORKERS: dict[str, int] = {
    "answer": 1,
    "nudge": 1,
    "stop": -1,
    "attach": 1,
    "screen": 1,
    "logs": 1,
    "diff": 1,
    "merge": -1,
    "clean": -1,
    "restore": 1,
    "adopt": -1,
}
