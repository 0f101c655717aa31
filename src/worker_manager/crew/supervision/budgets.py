"""What workers may use of their model, each and all of a session together, and what happens near
the end of it. Tokens read from a model's cache don't count: they cost a tenth, and are the most.
"""

from __future__ import annotations

from collections.abc import Sequence

from worker_manager.crew.context import Context
from worker_manager.crew.lifecycle import stop
from worker_manager.crew.messaging import outbox
from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers
from worker_manager.domain import message as messages
from worker_manager.domain.worker import Worker
from worker_manager.errors import BudgetSpent
from worker_manager.state.locking import exclusive

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


def require_left(context: Context) -> None:
    """Raises BudgetSpent when the session's budget is used up."""
    budget = context.settings.session_budget_tokens
    if not budget:
        return
    total = sum(_spent(context, context.own()).values())
    if total >= budget:
        raise BudgetSpent(
            f"Your workers have used {total:,} tokens, this session's budget is "
            f"{budget:,}. Ask your user to raise session_budget_tokens."
        )


def watch(context: Context, workers: Sequence[Worker]) -> None:
    """Tell those that near a budget, their own or the session's, and ask to stop what has spent it.
    `workers` are all of the orchestrator's.
    """
    session_budget = context.settings.session_budget_tokens
    if session_budget or any(one.budget_tokens for one in workers):
        spent = _spent(context, workers)
        _watch_each(context, workers, spent)
        _watch_session(context, workers, spent)


def _spent(context: Context, workers: Sequence[Worker]) -> dict[str, int]:
    """The tokens that count against budgets, by worker."""
    used = {one.id: context.usage(one) for one in workers}
    return {one: usage.fresh if usage else 0 for one, usage in used.items()}


def _watch_each(context: Context, workers: Sequence[Worker], spent: dict[str, int]) -> None:
    """Workers with a budget of their own."""
    for one in workers:
        used, budget = spent[one.id], one.budget_tokens
        if not budget or one.finished or used < WARNING * budget:
            continue
        if used < budget:
            _tell_worker(context, one, _NEARLY.format(spent=used, budget=budget))
        elif stop.can_be_asked(one) or one.stop_requested:
            body = _SPENT.format(spent=used, budget=budget)
            _stop_once(context, one, [one], f"{one.id} budget {budget}", body)


def _watch_session(context: Context, workers: Sequence[Worker], spent: dict[str, int]) -> None:
    """All workers of a session together."""
    total, budget = sum(spent.values()), context.settings.session_budget_tokens
    if not budget or not workers or total < WARNING * budget:
        return
    most = max(workers, key=lambda one: spent[one.id])
    occasion = f"{most.owner} session budget {budget}"
    if total < budget:
        body = _SESSION_NEARLY.format(spent=total, budget=budget)
        _tell_owner(context, most, f"{occasion} nearly", body)
    else:
        body = _SESSION_SPENT.format(spent=total, budget=budget)
        _stop_once(context, most, workers, occasion, body)


def _stop_once(
    context: Context, sender: Worker, workers: Sequence[Worker], occasion: str, body: str
) -> None:
    """Asked before it is told: killed in between, it is told the next time. A worker that then
    refuses, or is spoken to, goes on.
    """
    message_id = identifiers.message_id_of(occasion)
    if reports.owner_mailbox(context.records, sender).contains(message_id):
        return
    for one in workers:
        if stop.can_be_asked(one):
            stop.ask_to_stop(context, one)
    _tell_owner(context, sender, occasion, body)


def _tell_worker(context: Context, worker: Worker, body: str) -> None:
    message_id = identifiers.message_id_of(f"{worker.id} budget {worker.budget_tokens} nearly")
    message = outbox.order(worker, messages.BUDGET, body, message_id=message_id)
    outbox.deliver(context, worker.id, message, once=True)


def _tell_owner(context: Context, worker: Worker, occasion: str, body: str) -> None:
    message_id = identifiers.message_id_of(occasion)
    with exclusive(reports.report_lock(context.records, worker.id)):
        reports.tell_once(context.records, worker, messages.BUDGET, message_id, body)
