"""Notification: Claude Code tells that a worker waits for a person."""

import os
import time
from _collections_abc import Callable

from worker_manager.hooks import open_dialogs, protocol
from worker_manager.state.layout import is_worker_home, repository_of

DIALOGS = ("permission_prompt", "agent_needs_input", "elicitation_dialog")
#: A dialog that was just answered may still stand in Claude Code's file about the session.
SETTLE_SECONDS = 2.0


def run(pause: Callable[[], None] = lambda: time.sleep(SETTLE_SECONDS)) -> int:
    """Tells the orchestrator, unless it knows already. `pause` lies between its two looks."""
    home = protocol.home()
    if home is None or not is_worker_home(home):
        return 0
    given = protocol.stdin()
    kind, message = str(given.get("notification_type", "")), str(given.get("message", ""))
    if kind in DIALOGS and open_dialogs.may_wait():
        pause()
        if open_dialogs.may_wait():
            _waits(home, message)
    return 0


def _waits(home: str, message: str) -> None:
    from worker_manager.crew.reporting import reports  # 60 ms, in workers only
    from worker_manager.domain import message as messages
    from worker_manager.domain.worker import Status
    from worker_manager.state.workers.records import Records

    records = Records(repository_of(home))
    worker = records.load(os.path.basename(home))
    if worker.status in (Status.STARTING, Status.RUNNING):
        text = f"A dialog is open at its terminal: {message}\nAnswer it there."
        reports.blocked(records, worker.id, messages.BLOCKED, text, reason="dialog open")
