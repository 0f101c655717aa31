"""How an orchestrator answers the dialogs at its workers' terminals: see `dialogs`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from worker_manager.crew.context import Context
from worker_manager.crew.messaging import outbox
from worker_manager.crew.messaging.dialogs import AT_TERMINAL, ONLY_THERE, settled_id, withdraw
from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers, message
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, StateUnavailable, Text, WorkerNotFound, option, step
from worker_manager.state.layout import mailbox_path
from worker_manager.state.locking import exclusive
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers import requests
from worker_manager.state.workers.requests import Request

#: A hook that lives takes an answer within a fraction of this.
TAKEN_SECONDS = 10.0
POLL_SECONDS = 0.05


def decide(
    context: Context,
    worker: Worker,
    decision: str,
    *,
    reason: str = "",
    request_id: str = "",
    was_shown_whole: bool = False,
    attach: str,
) -> Message:
    """Answer a dialog. Returns the message that did it. Raises InvalidInput when none is open,
    when the answer does not fit, or when only the person can answer any more.

    What was too long to be shown whole is allowed with its `end` behind the id alone, unless
    whoever answers `was_shown_whole` it.
    """
    records, home = context.records, context.home_of(worker)
    if worker.status is Status.BLOCKED and worker.reason == ONLY_THERE:
        raise InvalidInput(
            f"What worker {worker.id} asks can be answered at its terminal only: {attach}"
        )
    request_id, _, end = request_id.partition("-")
    request = _wanted(context, worker, request_id)
    decided = _decision(request, decision, reason)
    is_known = was_shown_whole or end == request.end or not request.end
    if decided["behavior"] == "allow" and not is_known:
        raise InvalidInput(_unread(context, worker, request))
    answer = _message(worker, request, decided)
    with exclusive(reports.report_lock(records, worker.id)):
        mailbox = Mailbox(mailbox_path(home))
        if not requests.is_open(home, request.id):
            raise InvalidInput(_nothing_open(context, worker, request.id))
        if not request.is_waited_for:
            raise InvalidInput(_left_to_person(request, attach))
        if mailbox.contains(answer.id):
            raise InvalidInput(f"You have answered {request.id} already.")
        mailbox.deliver(answer)
    _see_it_taken(context, worker, request, attach)
    return answer


def repair(context: Context, workers: Sequence[Worker]) -> None:
    """Withdraw answers whose waiting hook died, and notify the owner."""
    records = context.records
    for one in workers:
        for request in requests.all_open(context.home_of(one)):
            if request.is_waited_for:
                continue
            with (
                suppress(StateUnavailable, WorkerNotFound),
                exclusive(reports.report_lock(records, one.id)),
            ):
                worker = records.load(one.id)
                if worker.owner == one.owner:
                    _tell_lost(context, worker, request)


def _wanted(context: Context, worker: Worker, request_id: str) -> Request:
    """The dialog that is meant. Raises InvalidInput unless there is exactly one, and it was seen:
    what is allowed unseen might be something else.
    """
    home = context.home_of(worker)
    found = [one for one in requests.all_open(home) if request_id in ("", one.id)]
    if not found:
        raise InvalidInput(_nothing_open(context, worker, request_id))
    if len(found) > 1:
        listed = ", ".join(f"{one.id} ({one.reason})" for one in found)
        raise InvalidInput(
            Text(
                f"Worker {worker.id} waits for {len(found)} answers: {listed}. Say with ",
                option("message_id"),
                " which one you answer.",
            )
        )
    (request,) = found
    if not request_id and reports.owner_mailbox(context.records, worker).is_unread(request.id):
        raise InvalidInput(
            Text(
                f"You have not seen yet what worker {worker.id} waits for ({request.reason}). "
                "Look at ",
                step("mail"),
                " first, then answer.",
            )
        )
    return request


def _unread(context: Context, worker: Worker, request: Request) -> str:
    file = reports.owner_mailbox(context.records, worker).files().get(request.id, "its file")
    return Text(
        f"What {request.id} asks for was too long to be shown whole. Read {file} to its end: the "
        "last line says with which ",
        option("message_id"),
        " it is allowed. It can be denied unread.",
    )


def _nothing_open(context: Context, worker: Worker, request_id: str) -> str:
    meant = request_id or (worker.report.message_id if worker.report else "")
    if reports.owner_mailbox(context.records, worker).contains(settled_id(meant)):
        return f"The dialog of {meant} is over already: a message in your mail says how."
    if Mailbox(mailbox_path(context.home_of(worker))).contains(_decision_id(meant)):
        return f"You have answered {meant} already."
    how = (
        Text("It called `ask`: answer with ", step("reply"), ".")
        if worker.status is Status.ASKING
        else Text(step("list"), " tells what each is doing.")
    )
    which = f" {request_id!r}" if request_id else ""
    return Text(f"Worker {worker.id} ({worker.status.value}) has no open dialog{which}. ", how)


def _decision(request: Request, decision: str, reason: str) -> dict[str, object]:
    """What the hook is to give to Claude Code."""
    wanted = decision.strip().casefold()
    if reason and (request.questions or wanted != "deny"):
        raise InvalidInput(Text("A message goes with deny only. Send it with ", step("nudge"), "."))
    if request.questions:
        return {"behavior": "allow", "answers": _answers(request.questions, decision)}
    if wanted == "allow":
        return {"behavior": "allow"}
    if wanted == "deny":
        return {"behavior": "deny", "message": reason or "Your orchestrator denied this."}
    raise InvalidInput(f"There is no decision {decision!r}. Choose allow or deny.")


def _answers(questions: list[dict[str, Any]], text: str) -> dict[str, str]:
    given = [line.strip() for line in text.splitlines() if line.strip()]
    if len(questions) == 1:
        given = [identifiers.checked_text(text, "answer").strip()]
    if len(given) != len(questions):
        raise InvalidInput(
            f"It asked {len(questions)} questions, and you gave {len(given)} lines. Give one line "
            "for each, in their order."
        )
    return {
        str(question.get("question", "")): _label(question, answer)
        for question, answer in zip(questions, given, strict=True)
    }


def _label(question: dict[str, Any], answer: str) -> str:
    """The option's label as the worker wrote it, or a text of the orchestrator's own."""
    labels = [str(option.get("label", "")) for option in question.get("options", [])]
    return next((one for one in labels if one.casefold() == answer.casefold()), answer)


def _message(worker: Worker, request: Request, decision: dict[str, object]) -> Message:
    return outbox.order(
        worker,
        message.DECISION,
        json.dumps(decision),
        message_id=_decision_id(request.id),
        reply_to=request.id,
    )


def _see_it_taken(context: Context, worker: Worker, request: Request, attach: str) -> None:
    """Returns once the answer was given. Raises InvalidInput when it was not."""
    home = context.home_of(worker)
    deadline = time.monotonic() + TAKEN_SECONDS
    while requests.is_open(home, request.id) and request.is_waited_for:
        if time.monotonic() > deadline:
            raise InvalidInput(
                Text(
                    f"Your answer to {request.id} lies ready, and was not taken in "
                    f"{TAKEN_SECONDS:.0f} s. ",
                    step("list"),
                    " tells when the worker goes on.",
                )
            )
        time.sleep(POLL_SECONDS)
    if reports.owner_mailbox(context.records, worker).contains(settled_id(request.id)):
        raise InvalidInput(f"The dialog of {request.id} {AT_TERMINAL} first.")
    if _take_back(context, worker, request) or requests.is_open(home, request.id):
        raise InvalidInput(_left_to_person(request, attach))


def _left_to_person(request: Request, attach: str) -> str:
    return (
        f"Nobody waits for the answer to {request.id} any more: its time was up, or its hook was "
        f"ended. The dialog is left to the person, who answers it with: {attach}"
    )


def _take_back(context: Context, worker: Worker, request: Request) -> bool:
    """Whether there was an answer that was not given."""
    with exclusive(reports.report_lock(context.records, worker.id)):
        return withdraw(context.home_of(worker), request.id)


def _tell_lost(context: Context, worker: Worker, request: Request) -> None:
    claim = reports.take_answer(context.home_of(worker), request.id)
    if claim is None:
        return
    body = (
        f"Your answer to {request.id} ({request.reason}) was not given: the hook that waited for "
        "it was ended. The dialog is left to the person at its terminal."
    )
    lost = identifiers.message_id_of(f"{request.id} lost")
    reports.tell_once(context.records, worker, message.SETTLED, lost, body)
    claim.acknowledge()


def _decision_id(request_id: str) -> str:
    return identifiers.message_id_of(f"{request_id} decision")
