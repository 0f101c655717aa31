"""What workers are told in the name of their owner: put into their mailboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker_manager.crew.reporting.reports import report_lock
from worker_manager.domain import identifiers
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Worker
from worker_manager.state.layout import mailbox_path
from worker_manager.state.locking import exclusive
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import now

if TYPE_CHECKING:  # 10 ms, and workers' hooks and servers load this
    from worker_manager.crew.context import Context


def order(
    worker: Worker, kind: str, body: str, *, message_id: str = "", reply_to: str = ""
) -> Message:
    """A message to it; `kind` is one of `messages`. Without an id it gets a new one."""
    return Message(
        id=message_id or identifiers.new_message_id(),
        type=kind,
        sender=worker.owner,
        name="orchestrator",
        sent=now(),
        body=body,
        reply_to=reply_to,
    )


def deliver(context: Context, worker_id: str, message: Message, *, once: bool = False) -> bool:
    """Put it into the worker's mailbox; with `once`, False when one with its id is there, or was.
    Raises StateUnavailable or StateBusy.
    """
    records = context.records
    mailbox = Mailbox(mailbox_path(records.home(worker_id)))
    if not once:
        mailbox.deliver(message)
    else:
        with exclusive(report_lock(records, worker_id)):
            if mailbox.contains(message.id):
                return False
            mailbox.deliver(message)
    return True
