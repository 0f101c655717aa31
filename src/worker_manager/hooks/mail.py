"""Mail for the session this hook runs in: claimed, worded, and acknowledged once written."""

import json
import os

from worker_manager import formatting
from worker_manager.state import processes
from worker_manager.state.layout import WAITING, is_worker_home, mailbox_path
from worker_manager.state.mailbox import Claim, Mailbox, is_answer

REMINDERS = "reminders"


class Shown:
    """Text to show; `acknowledge` after it was written."""

    def __init__(self, text: str, claim: Claim) -> None:
        self.text = text
        self._claim = claim

    def acknowledge(self) -> None:
        """It was written and flushed."""
        self._claim.acknowledge()


def take(home: str) -> Shown | None:
    """A bounded portion of the waiting mail, oldest first; None when there is none."""
    worker = is_worker_home(home)
    accept = _is_no_answer if worker and _ask_waits(home) else None
    mailbox = Mailbox(mailbox_path(home))
    claim = mailbox.claim(most=20, most_bytes=formatting.SHOWN_LIMIT // 3, accept=accept)
    if claim is None:
        return None
    files = [claim.file_of(message) for message in claim.messages]
    if not worker:
        text = formatting.for_orchestrator(claim.messages, files, claim.left)
        return Shown(text, claim)
    forget_reminders(home)
    return Shown(formatting.for_worker(claim.messages, files, claim.left, _mark(home)), claim)


def forget_reminders(home: str) -> None:
    """The worker was spoken to: it is reminded anew."""
    path = os.path.join(home, REMINDERS)
    if os.path.exists(path):
        os.unlink(path)


def _is_no_answer(name: str) -> bool:
    return not is_answer(name)


def _ask_waits(home: str) -> bool:
    try:
        with open(os.path.join(home, WAITING), encoding="utf-8") as file:
            pid, started = file.read().split()
    except (FileNotFoundError, ValueError):
        return False
    return not processes.is_gone(int(pid), started)


def _mark(home: str) -> str:
    with open(os.path.join(home, "worker.json"), encoding="utf-8") as file:
        return str(json.load(file)["mark"])
