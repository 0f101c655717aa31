"""What a worker's hooks see of the dialogs at its terminal: which of them are over."""

import os

from worker_manager.state import sessions
from worker_manager.state.layout import REQUESTS, is_worker_home, state_root

WAITING = "waiting"


def tool_used(home: str, given: dict[str, object]) -> None:
    """A tool was run: the dialog that asked for it was answered."""
    if _has_dialogs(home):
        from worker_manager import dialogs

        dialogs.tool_used(home, given)


def turn_changed(home: str) -> None:
    """A turn begins or ends: no dialog of the main conversation is open. A subagent's may be."""
    if _has_dialogs(home):
        from worker_manager import dialogs

        claude = sessions.claude_process(state_root())
        status = sessions.status_in_session_file(claude) if claude else ""
        dialogs.close_all(home, dialogs.AT_TERMINAL, subagents_too=status not in ("", WAITING))


def restarted(home: str) -> None:
    """The session runs in a new process: the dialogs of the old one are gone."""
    if _has_dialogs(home):
        from worker_manager import dialogs

        dialogs.close_all(home, dialogs.RESTARTED, subagents_too=True)


def _has_dialogs(home: str) -> bool:
    folder = os.path.join(home, REQUESTS)
    return is_worker_home(home) and os.path.isdir(folder) and bool(os.listdir(folder))
