"""Workers that met the usage limit of their account: their owner is notified, and they are told to
continue when it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from worker_manager.agents import account_of, agent_in_record
from worker_manager.crew.messaging import outbox
from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers
from worker_manager.domain import message as messages
from worker_manager.domain.reasons import RATE_LIMIT
from worker_manager.domain.worker import Status, Worker
from worker_manager.state import usage_limit
from worker_manager.state.workers.records import Records

if TYPE_CHECKING:  # 10 ms, and a worker's hook loads this
    from worker_manager.crew.context import Context

#: When nobody says when it is over.
RETRY_SECONDS = 300


def turn_failed(root: str, records: Records, worker_id: str, error: str, said: str) -> None:
    """A worker's turn ended with an error of the API: called by its hook. `error` is Claude Code's
    word for it.
    """
    text = f"Its turn ended with an error of the API: {error}.\n{said}".rstrip()
    if error == RATE_LIMIT:
        worker = records.load(worker_id)
        end = _end(worker, said)
        usage_limit.note(root, worker_id, end.timestamp(), account_of(worker.agent))
        text += f"\nNew workers of its agent wait until {end:%a %H:%M}; "
        text += "then it is told to go on by itself."
    reports.blocked(records, worker_id, messages.LIMIT, text, reason=error)


def go_on(context: Context, workers: Sequence[Worker]) -> None:
    """Tell those whose usage limit is over to continue, once for each limit that they met."""
    limited = [one for one in workers if one.status is Status.BLOCKED and one.reason == RATE_LIMIT]
    for one in limited:
        if usage_limit.until(context.root, account_of(one.agent)) is not None:
            continue
        met = one.report.message_id if one.report else ""
        message = outbox.order(
            one,
            messages.NUDGE,
            "The usage limit is over. Go on with your task.",
            message_id=identifiers.message_id_of(f"{met} go on"),
        )
        outbox.deliver(context, one.id, message, once=True)


def _end(worker: Worker, said: str) -> datetime:
    """When it is over, in the person's time."""
    at = datetime.now().astimezone()
    end = agent_in_record(worker.agent).limit_end(said, at)
    return (end or at + timedelta(seconds=RETRY_SECONDS)).astimezone()
