"""PermissionRequest: a dialog of a worker becomes a message to its orchestrator; this waits for
the answer. The dialog stands at the terminal meanwhile: whoever answers first has answered.
"""

import json
import os
import signal
import time

from worker_manager.agents.claude import session_files
from worker_manager.hooks import protocol
from worker_manager.hooks.session_process import claude_process
from worker_manager.state import process_identity
from worker_manager.state.layout import is_worker_home, repository_of, state_root
from worker_manager.state.mail.inbox import Claim

POLL_SECONDS = 0.15
#: A dialog that stands so long may stand all day: from then on it is looked at less often.
YOUNG_SECONDS, CALM_SECONDS = 30.0, 0.5
#: So long a session may be busy between two dialogs (up to 0.2 s were seen).
GONE_SECONDS = 1.0
#: Claude Code sends SIGTERM when its dialog was dismissed, and SIGKILL 1.4 s later (seen).
DISMISSED_SECONDS = 1.0
#: The claude process has ended; the dialog is over; it may be; this hook was ended, the dialog
#: stands; it stands and this hook waits.
DEAD, GONE, UNSURE, LEFT, OPEN = "dead", "gone", "unsure", "left", "open"


class Dialog:
    """The dialog as Claude Code's own file about its process shows it, and as its signals do."""

    def __init__(self, claude: int | None) -> None:
        self._claude = claude
        self._process = process_identity.identity(claude) if claude else ""
        self._was_seen = False
        self._missing_since = 0.0
        self._ends_at = 0.0
        signal.signal(signal.SIGTERM, self._end_soon)

    def look(self) -> str:
        """How it stands now."""
        now = time.monotonic()
        if process_identity.has_ended(self._process):
            return DEAD
        if self._is_missing():
            self._missing_since = self._missing_since or now
            is_sure = self._ends_at or now - self._missing_since >= GONE_SECONDS
            return GONE if is_sure else UNSURE
        self._missing_since = 0.0
        if self._ends_at:
            return UNSURE if now < self._ends_at else LEFT
        return OPEN

    @property
    def is_ending(self) -> bool:
        """Whether Claude Code has sent its signal: it leaves little time."""
        return self._ends_at > 0

    def _is_missing(self) -> bool:
        """Whether it was there and is not at this moment."""
        status = session_files.status(self._claude) if self._claude else ""
        if status == "waiting":
            self._was_seen = True
        return self._was_seen and status not in ("", "waiting")

    def _end_soon(self, *_: object) -> None:
        self._ends_at = time.monotonic() + DISMISSED_SECONDS


def run() -> int:
    """Tells, waits, answers. Without an answer in time the dialog is left to the person."""
    home = protocol.home()
    if home is None or not is_worker_home(home):
        return 0
    given = protocol.stdin()
    dialog = Dialog(claude_process(state_root()))
    dialog.look()  # the person may answer while it is told

    from worker_manager.crew.messaging import dialogs  # 60 ms: there is something to do
    from worker_manager.state.workers.records import Records

    records, worker_id = Records(repository_of(home)), os.path.basename(home)
    request = dialogs.open_dialog(records, worker_id, given)
    if request is None:
        return 0
    claim, why = _wait(home, dialog, request.id, _seconds(records.load(worker_id).project))
    if claim is not None:
        protocol.decide(_decision(claim.messages[0].body, given.get("tool_input")))
        claim.acknowledge()
        dialogs.close(records, worker_id, request, "")
    elif why:
        dialogs.close(records, worker_id, request, why)
    return 0


def _wait(home: str, dialog: Dialog, request_id: str, seconds: float) -> tuple[Claim | None, str]:
    """The answer, or why there will be none; neither when the time is up, or when another hook
    has seen to it.
    """
    from worker_manager.crew.messaging import dialogs
    from worker_manager.crew.reporting import reports
    from worker_manager.state.workers import requests

    began = time.monotonic()
    deadline = began + seconds
    while time.monotonic() < deadline and requests.is_open(home, request_id):
        state = dialog.look()
        if state == GONE:
            return None, dialogs.AT_TERMINAL
        if state == LEFT:
            break
        if state == DEAD:
            dialogs.close_all(home, "", subagents_too=True)  # the worker's end is told by others
        claim = reports.take_answer(home, request_id) if state == OPEN else None
        if claim is not None:
            return claim, ""
        is_young = time.monotonic() - began < YOUNG_SECONDS
        time.sleep(POLL_SECONDS if is_young or dialog.is_ending else CALM_SECONDS)
    return None, ""


def _decision(body: str, tool_input: object) -> dict[str, object]:
    """What the orchestrator decided, as Claude Code wants it: answers are part of the input."""
    decision: dict[str, object] = json.loads(body)
    answers = decision.pop("answers", None)
    if answers is not None and isinstance(tool_input, dict):
        decision["updatedInput"] = {**tool_input, "answers": answers}
    return decision


def _seconds(project: str) -> int:
    """How long to wait; the default when the settings can't be read: others say so."""
    from pathlib import Path

    from worker_manager import config
    from worker_manager.errors import InvalidSetting

    try:
        return config.load(Path(project), os.environ).permission_wait_seconds
    except InvalidSetting:
        return config.Settings().permission_wait_seconds
