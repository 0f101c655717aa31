"""What an orchestrator says to a worker: a message, which is the answer when one is awaited, or the
answer to a dialog.
"""

from __future__ import annotations

from collections.abc import Callable

from worker_manager.crew.context import Context
from worker_manager.crew.messaging import decisions, outbox, wake
from worker_manager.domain import identifiers
from worker_manager.domain import message as messages
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.mail import awaited_answer
from worker_manager.state.workers import reminders, requests
from worker_manager.state.workers.records import now


def nudge(
    context: Context, worker_id: str, text: str, *, key: str, attach: Callable[[Worker], str]
) -> tuple[Worker, Message]:
    """Put a message into the worker's mailbox; an asking worker gets it as its answer, and a dialog
    that asks a question, too. The same text with the same key is one message. `attach` gives the
    command with which a person opens the worker's terminal.

    Returns the worker as it was. Raises WorkerFinished when nobody would read it.
    """
    body = identifiers.checked_text(text, "message")
    worker = context.reachable(worker_id)
    if worker.status is Status.COMPLETED:
        context.require_session(worker)
    home, question = context.home_of(worker), _question_of(context, worker)
    if question and requests.is_open(home, question):
        decided = decisions.decide(
            context, worker, body, request_id=question, attach=attach(worker)
        )
        return worker, decided
    message = outbox.order(
        worker,
        messages.ANSWER if question else messages.NUDGE,
        body,
        message_id=wake.message_id(context.owner, worker_id, body, key),
        reply_to=question,
    )
    # Delivered first: killed in between, the worker has its answer all the same.
    if not outbox.deliver(context, worker_id, message, once=bool(key)):
        return worker, message
    reminders.forget(home)
    # Only from where it stood: it may have asked or completed since.
    if worker.status in (Status.ASKING, Status.COMPLETED) or _is_idle(context, worker):
        context.records.update(
            worker_id,
            lambda current: (
                current.resume(at=now()) if current.report == worker.report else current
            ),
        )
    return worker, message


def answer(
    context: Context,
    worker_id: str,
    decision: str,
    *,
    reason: str = "",
    request_id: str = "",
    was_shown_whole: bool = False,
    attach: Callable[[Worker], str],
) -> tuple[Worker, Message]:
    """Answer a dialog at a worker's terminal: a permission, or an AskUserQuestion.
    `was_shown_whole`: whoever answers has all of it on the screen. `attach`: as for `nudge`.

    Returns the worker as it was. Raises WorkerFinished when it has ended, InvalidInput when the
    dialog is not open, or the answer does not fit.
    """
    worker = context.reachable(worker_id)
    message = decisions.decide(
        context,
        worker,
        decision,
        reason=reason,
        request_id=request_id,
        was_shown_whole=was_shown_whole,
        attach=attach(worker),
    )
    return worker, message


def _question_of(context: Context, worker: Worker) -> str:
    """The id of the question that a message would answer. A dialog that was opened beside
    an `ask` has taken its place in the record, not in the call that waits.
    """
    if worker.status is Status.BLOCKED:
        return awaited_answer.waiting(context.home_of(worker)) or ""
    asked = worker.report if worker.status is Status.ASKING else None
    return asked.message_id if asked else ""


def _is_idle(context: Context, worker: Worker) -> bool:
    idle_since = worker.idle_since(context.activity(worker))
    return worker.status is Status.RUNNING and idle_since is not None
