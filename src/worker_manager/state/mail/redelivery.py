"""Unread mail. Claude Code does not report a file that came before it began to watch the mailbox;
in an idle session such a message would stay unread. So it is touched again: five seconds after it
came, then after ten, twenty, and so on.
"""

import time

from worker_manager.state.mail.mailbox import Mailbox

#: A doorbell that works has been answered by then, on a busy machine too.
FIRST_SECONDS = 5.0
MAX_SECONDS = 300.0


def redeliver_if_due(mailbox: Mailbox, began: float) -> bool:
    """Touches the oldest message if it has been unread for long enough. Requeues messages of dead
    readers first; returns True if there were any. `began`: see `next_check`.
    """
    has_dead_readers = mailbox.release_stale()
    at = time.time()
    moment = _next_redelivery(mailbox, at, began)
    if moment is not None and moment <= at:
        mailbox.touch_oldest()
    return has_dead_readers


def next_check(mailbox: Mailbox, at: float, began: float) -> float | None:
    """Returns the next time to check for unread mail, None when the mailbox is empty. `at` is now;
    `began` is when the caller began to watch: its session began about then, too. All in seconds
    since the epoch.
    """
    moments = [at + _delay(at - since) for since in mailbox.taken_since()]
    unread = _next_redelivery(mailbox, at, began)
    return min(moments if unread is None else [*moments, unread], default=None)


def _next_redelivery(mailbox: Mailbox, at: float, began: float) -> float | None:
    found = mailbox.last_offered()
    if found is None:
        return None
    rung, newest = found
    # A clock that was set back must not keep it waiting.
    return at if rung > at else rung + _delay(rung - max(newest, began))


def _delay(age: float) -> float:
    """Returns the seconds until the next redelivery of a message of that age: it doubles."""
    return min(max(abs(age), FIRST_SECONDS), MAX_SECONDS)
