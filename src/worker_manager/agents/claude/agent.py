"""Claude Code as the agent: its answers to the questions of `base.Agent`."""

from worker_manager.agents.base import Attended
from worker_manager.agents.claude.launch import (
    PERMISSION_MODES,
    SESSION_VARIABLES,
    first_prompt,
    has_conversation,
    launch_spec,
    refused_mode,
)
from worker_manager.agents.claude.message_socket import send
from worker_manager.agents.claude.prompt_box import draft
from worker_manager.agents.claude.receipts import receipts
from worker_manager.agents.claude.reset_times import limit_end
from worker_manager.agents.claude.session_activity import activity
from worker_manager.agents.claude.session_files import noted as processes
from worker_manager.agents.claude.start_dialogs import start_dialog
from worker_manager.agents.claude.transcripts import entries, latest
from worker_manager.agents.claude.usage import bytes_written, meter
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
    "is_entry_start",
    "last_part",
    "latest",
    "launch_spec",
    "limit_end",
    "meter",
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
#: It has our hooks.
attended: Attended | None = None
