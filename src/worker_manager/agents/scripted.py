"""The agent that plays a script instead of thinking: for the demo, rehearsals and tests."""

import sys

from worker_manager.agents.base import Assignment, LaunchSpec
from worker_manager.domain.worker import Screen


def launch_spec(assignment: Assignment) -> LaunchSpec:
    """The player of `rehearsal`, with this interpreter; its script stands in the task."""
    argv = [sys.executable, "-I", "-m", "worker_manager.rehearsal.player"]
    argv += ["--session-id", assignment.session_id, "--plugin-dir", assignment.plugin_root]
    return LaunchSpec(argv, {})


def has_conversation(_transcript: str) -> bool:
    """It goes on with whatever it is told."""
    return True


def draft(_: Screen) -> None:
    """It has no prompt."""
