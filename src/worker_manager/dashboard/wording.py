"""Next steps as a person at the live view reads them: its keys; where there is none, a command."""

from __future__ import annotations

from worker_manager.errors import NextStep, Text
from worker_manager.text.commands import command

KEYS = {
    "nudge": "nudge (n)",
    "reply": "nudge (n)",
    "answer": "answer (y)",
    "stop": "stop (s)",
    "merge": "merge (m)",
    "clean": "clean (c)",
    "restore": "undo (u)",
    "list": "the list",
    "mail": "the letters",
}


def for_people(said: str | NextStep) -> str:
    """A next step, or a text of ours with those that stand in it."""
    if isinstance(said, NextStep):
        return KEYS.get(said.action) or command(said)
    return "".join(map(for_people, said.parts)) if isinstance(said, Text) else said
