"""Letters that lie unread. Claude Code does not report a file that came before it began to watch
the mailbox: before an idle session such a letter would lie until something else happens. So it
rings again: five seconds after it came, then after ten, twenty, and so on.
"""

import time

from worker_manager.state.mailbox import Mailbox

#: A doorbell that works has been answered by then, on a busy machine too.
FIRST_SECONDS = 5.0
MOST_SECONDS = 300.0


def ring_again(mailbox: Mailbox) -> None:
    """Rings for what has lain there long enough; what killed readers had taken comes back to it."""
    mailbox.release_stale()
    moment = _next_ring(mailbox, time.time())
    if moment is not None and moment <= time.time():
        mailbox.ring()


def due(mailbox: Mailbox, at: float) -> float | None:
    """When it is to be looked after, if nothing is heard of it before; None when nothing lies
    there. Both in seconds since the epoch.
    """
    moments = [at + _pause(at - since) for since in mailbox.taken_since()]
    unread = _next_ring(mailbox, at)
    return min(moments if unread is None else [*moments, unread], default=None)


def _next_ring(mailbox: Mailbox, at: float) -> float | None:
    oldest = mailbox.oldest()
    if oldest is None:
        return None
    came, touched = oldest
    # A clock that was set back must not keep it waiting.
    return at if touched > at else touched + _pause(touched - came)


def _pause(age: float) -> float:
    """To the next ring, for a letter of that age: it doubles."""
    return min(max(age, FIRST_SECONDS), MOST_SECONDS)
