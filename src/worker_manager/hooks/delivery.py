"""Mail for the session this hook runs in: claimed, worded, and acknowledged once written."""

import os
import sys
from _collections_abc import Callable

from worker_manager.errors import StateUnavailable, ignoring
from worker_manager.state.layout import (
    is_worker_home,
    mailbox_path,
    orchestrator_home,
    repository_of,
)
from worker_manager.state.mail.inbox import Claim, Inbox, expect_receipt, is_answer, is_decision
from worker_manager.text import rendering

#: Of readers whose receipts are outstanding the last ones.
_CLAIMERS = 5


class Shown:
    """Text to show; `acknowledge` after it was written."""

    def __init__(self, text: str, claim: Claim, receipt: str) -> None:
        self.text = text
        self.ids = [message.id for message in claim.messages]
        self._claim = claim
        self._receipt = receipt

    def acknowledge(self) -> None:
        """It was written and flushed."""
        self._claim.acknowledge(self._receipt)

    def release(self) -> None:
        """It could not be written: the messages wait again."""
        self._claim.release()


def requeue_unconfirmed(home: str, *, restarted: bool) -> None:
    """Requeues messages without a receipt; what the disk refuses is left for the next time."""
    with ignoring(OSError, StateUnavailable):
        if Inbox(mailbox_path(home)).pending():
            from worker_manager.agents.claude.receipts import receipts as look
            from worker_manager.state.mail import receipts

            receipts.requeue_unconfirmed(home, look, restarted=restarted)


def take(home: str) -> Shown | None:
    """A bounded portion of the waiting mail, oldest first; None when there is none."""
    inbox = Inbox(mailbox_path(home))
    receipt = expect_receipt(home)
    claim = inbox.claim(
        budget=rendering.SHOWN_LIMIT,
        cost=rendering.cost,
        accept=_accepts(home, inbox) if is_worker_home(home) else lambda _: True,
        when_stale=lambda: _reconcile_soon(home),
    )
    if claim is None:
        return None
    if not is_worker_home(home):
        text = rendering.for_orchestrator(claim.messages, claim.files, claim.left)
        return Shown(text, claim, receipt)
    from worker_manager.state import bells
    from worker_manager.state.workers import reminders

    reminders.forget(home)
    owner, mark = _owner_and_mark(home)
    bells.notify(orchestrator_home(repository_of(home), owner))
    text = rendering.for_worker(claim.messages, claim.files, claim.left, mark)
    return Shown(text, claim, receipt)


def waiting_in_short(home: str) -> str:
    """For an orchestrator's person: who has sent what waits; empty when nothing does."""
    if is_worker_home(home):
        return ""
    inbox = Inbox(mailbox_path(home))
    names = inbox.waiting()
    known = [
        message for name in names[: rendering.NAMED] if (message := inbox.peek(name)) is not None
    ]
    if not known:
        return ""
    count = f"{len(names)} letters wait" if len(names) > 1 else "1 letter waits"
    return f"worker-manager: {count}: {rendering.in_short(known, len(names))}"


def shown_in_short(home: str, content: str) -> str:
    """Summarizes the messages that woke the session, found by their ids in the prompt."""
    inbox = Inbox(mailbox_path(home))
    shown = [
        message for claimer in inbox.pending()[-_CLAIMERS:] for message in inbox.shown(claimer)
    ]
    known = [message for message in shown if message.id in content]
    return rendering.in_short(known, len(known))


def _accepts(home: str, inbox: Inbox) -> Callable[[str], bool]:
    """Returns a filter that leaves out the answer that a waiting `ask` call takes itself, and
    decisions on dialogs: shown as mail these would allow or deny nothing.
    """

    def is_ours(name: str) -> bool:
        return not is_decision(name) and not (is_answer(name) and _is_awaited(home, inbox, name))

    return is_ours


def _is_awaited(home: str, inbox: Inbox, name: str) -> bool:
    from worker_manager.state.mail import awaited_answer  # for answers only

    question = awaited_answer.waiting(home)
    if not question:
        # Empty: it may be the answer to what is being asked at this moment.
        return question is not None
    message = inbox.peek(name)
    return message is not None and message.reply_to == question


def _reconcile_soon(home: str) -> None:
    """A reader has died: more may have. A look at the world is too slow for a hook."""
    import subprocess

    if not is_worker_home(home):
        command = [sys.executable, "-I", "-m", "worker_manager", "--reconcile", home]
        quiet = subprocess.DEVNULL
        subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)


def _owner_and_mark(home: str) -> tuple[str, str]:
    from worker_manager.state.workers.glance import Glance

    record = Glance(home)
    owner, mark = record.field("owner"), record.field("mark")
    if owner and mark:
        return owner, mark
    import json  # slow to load, and for a record of another form only

    with open(os.path.join(home, "worker.json"), encoding="utf-8") as file:
        fields = json.load(file)
        return str(fields["owner"]), str(fields["mark"])
