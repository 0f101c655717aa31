"""The agent that plays a script instead of thinking: for the demo, rehearsals and tests. It plays
the part of Claude Code, with the same hooks, and writes what that writes.
"""

import sys
from collections.abc import Mapping

from worker_manager.agents.base import Assignment, LaunchSpec, Packaging
from worker_manager.agents.claude.agent import (
    activity,
    attended,
    bytes_written,
    entries,
    first_prompt,
    is_entry_start,
    last_part,
    latest,
    limit_end,
    meter,
    processes,
    receipts,
    send,
    session_variables,
    start_dialog,
)
from worker_manager.domain.screen import Screen

__all__ = [
    "activity",
    "attended",
    "bytes_written",
    "draft",
    "entries",
    "first_prompt",
    "has_conversation",
    "honoured_keys",
    "is_entry_start",
    "is_logged_in",
    "last_part",
    "latest",
    "launch_spec",
    "limit_end",
    "meter",
    "packaging",
    "permission_modes",
    "processes",
    "receipts",
    "refused_mode",
    "send",
    "session_variables",
    "start_dialog",
]

#: It asks for nothing.
permission_modes: tuple[str, ...] = ()
#: A script needs no model and asks for nothing; our hooks guard it as they do Claude Code.
honoured_keys = frozenset({"model", "permission_mode", "role", "read_only"})
packaging = Packaging()


def is_logged_in(_environ: Mapping[str, str]) -> bool | None:
    """It needs no login."""
    return None


def launch_spec(assignment: Assignment) -> LaunchSpec:
    """The player of `rehearsal`, with this interpreter; its script stands in the task."""
    argv = [sys.executable, "-I", "-m", "worker_manager.rehearsal.player"]
    argv += ["--session-id", assignment.session_id, "--plugin-dir", assignment.plugin_root]
    return LaunchSpec(argv, {})


def refused_mode(_mode: str, _environ: Mapping[str, str]) -> None:
    """It starts in any."""


def has_conversation(_transcript: str) -> bool:
    """It goes on with whatever it is told."""
    return True


def draft(_: Screen) -> None:
    """It has no prompt."""
