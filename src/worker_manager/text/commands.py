"""Next steps as a person at a terminal reads them: commands with their options."""

from __future__ import annotations

import shlex

from worker_manager.errors import NextStep, Text

COMMAND_OF = {
    "start": "start",
    "list": "ls",
    "wait": "run --follow",
    "read": "logs",
    "nudge": "nudge",
    "reply": "answer",
    "answer": "answer",
    "stop": "stop",
    "mail": "mail",
    "merge": "merge",
    "clean": "clean",
    "restore": "restore",
    "adopt": "adopt",
}
#: What is no option of the same name.
_OPTIONS = {
    ("use_worktree", True): "a worktree",
    ("use_worktree", False): "--no-worktree",
    ("base_branch", None): "--base",
    ("allowed_paths", None): "--allowed-path",
}
#: What stands behind a command without an option's name.
_OPERANDS = ("id", "ids", "message", "task", "decision")


def for_people(said: str | NextStep) -> str:
    """A next step, or a text of ours with those that stand in it."""
    if isinstance(said, NextStep):
        return command(said)
    return "".join(map(for_people, said.parts)) if isinstance(said, Text) else said


def command(step: NextStep) -> str:
    """The command that does it, or the option."""
    words = [f"worker-manager {COMMAND_OF[step.action]}"] if step.action else []
    return " ".join([*words, *(_word(*one) for one in step.arguments.items())])


def _word(name: str, value: object) -> str:
    if name in _OPERANDS:
        return _operand(name, value)
    option = f"--{name.replace('_', '-')}"
    if value is None or isinstance(value, bool):
        return _OPTIONS.get((name, value), option)
    return f"{option} {value}"


def _operand(name: str, value: object) -> str:
    if value is ...:
        return '"..."'
    if isinstance(value, list):
        return ("|" if name == "decision" else " ").join(value)
    return shlex.quote(str(value))
