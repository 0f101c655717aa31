"""Codex as the agent: its answers to the questions of `base.Agent`.

No hooks of ours run in its sessions: they would need the person's review. So its server attends
to them (`attended`).
"""

from worker_manager.agents.base import Attended
from worker_manager.agents.codex import attended as attended_sessions
from worker_manager.agents.codex.launch import (
    HONOURED_KEYS,
    MODES,
    SESSION_VARIABLES,
    first_prompt,
    launch_spec,
    refused_mode,
)
from worker_manager.agents.codex.person import is_logged_in
from worker_manager.agents.codex.program import PACKAGING
from worker_manager.agents.codex.reset_times import limit_end
from worker_manager.agents.codex.rollouts import (
    bytes_written,
    entries,
    has_conversation,
    latest,
)
from worker_manager.agents.codex.screen import draft
from worker_manager.agents.codex.start_dialogs import start_dialog
from worker_manager.agents.codex.turns import receipts
from worker_manager.agents.codex.usage import meter
from worker_manager.domain.session import Activity
from worker_manager.text.line_files import is_line_start as is_entry_start
from worker_manager.text.line_files import last_part

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

permission_modes = tuple(MODES)
session_variables = SESSION_VARIABLES
honoured_keys = HONOURED_KEYS
packaging = PACKAGING
attended: Attended | None = attended_sessions


def activity(_pid: int) -> Activity | None:
    """Its process doesn't say; its rollout does (`attended`)."""
    return None


def processes() -> list[tuple[int, str]]:
    """None that could be an orchestrator."""
    return []


def send(_activity: Activity, _text: str) -> bool:
    """It has no socket; its server puts letters into its queue."""
    return False
