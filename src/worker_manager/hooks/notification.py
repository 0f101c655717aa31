"""Notification: Claude Code tells that a worker waits for a person."""

import os
import time

from worker_manager.hooks import call, terminal
from worker_manager.state.layout import is_worker_home, repository_of

DIALOGS = ("permission_prompt", "agent_needs_input", "elicitation_dialog")
#: A dialog that was just answered may still stand in Claude Code's file about the session.
SETTLE_SECONDS = 2.0


def run() -> int:
    """Tells the orchestrator, unless it knows already."""
    home = call.home()
    if home is None or not is_worker_home(home):
        return 0
    given = call.stdin()
    kind, message = str(given.get("notification_type", "")), str(given.get("message", ""))
    if kind in DIALOGS and terminal.may_wait():
        time.sleep(SETTLE_SECONDS)
        if terminal.may_wait():
            _waits(home, message)
    return 0


def _waits(home: str, message: str) -> None:
    from worker_manager import messages, reports  # 60 ms, in workers only
    from worker_manager.models import Status
    from worker_manager.state.records import Records

    records = Records(repository_of(home))
    worker = records.get(os.path.basename(home))
    if worker.status in (Status.STARTING, Status.RUNNING):
        text = f"A dialog is open at its terminal: {message}\nAnswer it there."
        reports.blocked(records, worker.id, messages.BLOCKED, text, reason="dialog open")
