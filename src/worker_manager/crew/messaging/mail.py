"""What workers have sent to their orchestrator, claimed from its mailbox."""

from __future__ import annotations

from collections.abc import Collection

from worker_manager.crew.context import Context
from worker_manager.state.mail.inbox import Claim
from worker_manager.text import rendering


def claim(context: Context, *, most: int) -> Claim | None:
    """Claim unread messages, the oldest first: as many as one result of a tool can show, and `most`
    at most. None when there is none.
    """
    return context.mailbox.claim(limit=most, budget=rendering.RESULT_LIMIT, cost=rendering.cost)


def claim_from(context: Context, senders: Collection[str]) -> Claim | None:
    """Claim the unread messages of these workers; `senders` are their ids. None when there is
    none.
    """
    mailbox = context.mailbox

    def is_meant(name: str) -> bool:
        message = mailbox.peek(name)
        return message is not None and message.sender in senders

    return mailbox.claim(accept=is_meant)
