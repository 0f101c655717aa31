"""What workers may use of their model, each and all of a session together, and what happens near
the end of it. Tokens read from a model's cache don't count: they cost a tenth, and are the most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from worker_manager.crew.lifecycle import stop
from worker_manager.crew.messaging import outbox
from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers
from worker_manager.domain import message as messages
from worker_manager.domain.worker import Worker
from worker_manager.errors import BudgetSpent
from worker_manager.state.locking import exclusive
from worker_manager.state.workers.records import Records

#: From this part on, those who spend are told.
WARNING = 0.8

_NEARLY = """\
You have used {spent:,} of the {budget:,} tokens of your budget. Come to an end: commit, and call \
`complete` with what is done and what is left. At {budget:,} you will be asked to stop."""

_SPENT = """\
It has used {spent:,} tokens, its budget is {budget:,}. It is asked to stop. nudge_worker or \
restore_worker lets it go on, without a budget."""

_SESSION_NEARLY = """\
Your workers together have used {spent:,} of the {budget:,} tokens of this session's budget; this \
one the most. At {budget:,} they are asked to stop."""

_SESSION_SPENT = """\
Your workers together have used {spent:,} tokens, this session's budget is {budget:,}. They are \
asked to stop, and no further ones start; this one used the most. Your user may raise \
session_budget_tokens."""


def require_left(session_budget: int, spent: Mapping[str, int]) -> None:
    """Raises BudgetSpent when the session's budget is used up; 0 is none. `spent` is by worker."""
    total = sum(spent.values())
    if session_budget and total >= session_budget:
        raise BudgetSpent(
            f"Your workers have used {total:,} tokens, this session's budget is "
            f"{session_budget:,}. Ask your user to raise session_budget_tokens."
        )


def watch_each(
    records: Records, workers: Sequence[Worker], spent: Mapping[str, int], grace_seconds: int
) -> None:
    """Tells workers that near their own budget, and asks those to stop that have spent it."""
    for one in workers:
        used, budget = spent[one.id], one.budget_tokens
        if not budget or one.finished or used < WARNING * budget:
            continue
        if used < budget:
            _tell_worker(records, one, _NEARLY.format(spent=used, budget=budget))
        elif stop.can_be_asked(one) or one.stop_requested:
            body = _SPENT.format(spent=used, budget=budget)
            _stop_once(records, one, [one], f"{one.id} budget {budget}", body, grace_seconds)


def watch_session(
    records: Records,
    workers: Sequence[Worker],
    spent: Mapping[str, int],
    session_budget: int,
    grace_seconds: int,
) -> None:
    """The same of all workers of a session together."""
    total = sum(spent.values())
    if not session_budget or not workers or total < WARNING * session_budget:
        return
    most = max(workers, key=lambda one: spent[one.id])
    occasion = f"{most.owner} session budget {session_budget}"
    if total < session_budget:
        body = _SESSION_NEARLY.format(spent=total, budget=session_budget)
        _tell_owner(records, most, f"{occasion} nearly", body)
    else:
        body = _SESSION_SPENT.format(spent=total, budget=session_budget)
        _stop_once(records, most, workers, occasion, body, grace_seconds)


def _stop_once(
    records: Records,
    sender: Worker,
    workers: Sequence[Worker],
    occasion: str,
    body: str,
    grace_seconds: int,
) -> None:
    """Asked before it is told: killed in between, it is told the next time. A worker that then
    refuses, or is spoken to, goes on.
    """
    if reports.owner_mailbox(records, sender).contains(identifiers.message_id_of(occasion)):
        return
    for one in workers:
        if stop.can_be_asked(one):
            stop.ask_to_stop(records, one, grace_seconds)
    _tell_owner(records, sender, occasion, body)


def _tell_worker(records: Records, worker: Worker, body: str) -> None:
    message_id = identifiers.message_id_of(f"{worker.id} budget {worker.budget_tokens} nearly")
    message = outbox.order(worker, messages.BUDGET, body, message_id=message_id)
    outbox.deliver(records, worker.id, message, once=True)


def _tell_owner(records: Records, worker: Worker, occasion: str, body: str) -> None:
    message_id = identifiers.message_id_of(occasion)
    with exclusive(reports.report_lock(records, worker.id)):
        reports.tell_once(records, worker, messages.BUDGET, message_id, body)
