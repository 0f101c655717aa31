"""Claude Code as the agent: its answers to the questions of `base.Agent`."""

from datetime import datetime

from worker_manager.agents.base import Attended
from worker_manager.agents.claude.launch import (
    HONOURED_KEYS,
    PACKAGING,
    PERMISSION_MODES,
    SESSION_VARIABLES,
    first_prompt,
    has_conversation,
    launch_spec,
    refused_mode,
)
from worker_manager.agents.claude.login import is_logged_in
from worker_manager.agents.claude.prompt_box import draft
from worker_manager.agents.claude.receipts import receipts
from worker_manager.agents.claude.session_activity import activity
from worker_manager.agents.claude.session_files import noted as processes
from worker_manager.agents.claude.start_dialogs import start_dialog
from worker_manager.agents.claude.transcripts import entries, latest
from worker_manager.agents.claude.usage import bytes_written, meter
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

permission_modes = PERMISSION_MODES
session_variables = SESSION_VARIABLES
honoured_keys = HONOURED_KEYS
packaging = PACKAGING
#: It has our hooks.
attended: Attended | None = None


def send(activity: Activity, text: str) -> bool:
    """See `message_socket.send`."""
    from worker_manager.agents.claude import message_socket

    return message_socket.send(activity, text)


def limit_end(text: str, now: datetime) -> datetime | None:
    """See `reset_times.limit_end`."""
    from worker_manager.agents.claude import reset_times

    return reset_times.limit_end(text, now)
