"""The dialogs at a worker's terminal that its orchestrator may answer: permissions, and the
questions of AskUserQuestion. The worker's hook opens one and waits, its orchestrator decides,
whoever sees that it is over closes it. The person at the terminal may be faster at any time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from worker_manager.crew.messaging import outbox
from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers, message
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, StateUnavailable, WorkerNotFound
from worker_manager.state import journal, process_identity
from worker_manager.state.layout import mailbox_path, repository_of
from worker_manager.state.locking import exclusive
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers import requests
from worker_manager.state.workers.records import Records, now
from worker_manager.state.workers.requests import Request
from worker_manager.text import rendering

ASK_USER = "AskUserQuestion"
REASONS = ("permission: ", "question: ")
AT_TERMINAL = "was answered or dismissed at its terminal"
RESTARTED = "is gone: its session was started anew"
#: A hook that lives takes an answer within a fraction of this.
TAKEN_SECONDS = 10.0
POLL_SECONDS = 0.05


def open_dialog(records: Records, worker_id: str, given: dict[str, Any]) -> Request | None:
    """Tells the orchestrator of the dialog that a PermissionRequest hook was called for. None
    when the worker has ended: nobody would answer.
    """
    worker = records.get(worker_id)
    if worker.is_presumed_dead:
        reports.check_in(records, worker_id)
    elif worker.status in (Status.FAILED, Status.STOPPED):
        return None
    request, text = _asked(_request(given), given)
    requests.note(records.home(worker_id), request)
    if worker.status is Status.COMPLETED:
        # Its report stays what it last said.
        kind = message.QUESTION if request.questions else message.PERMISSION
        with exclusive(reports.report_lock(records, worker_id)):
            reports.tell_once(records, worker, kind, request.id, text)
    elif request.questions:
        reports.ask(records, worker_id, text, message_id=request.id)
    else:
        reports.blocked(
            records,
            worker_id,
            message.PERMISSION,
            text,
            reason=request.reason,
            message_id=request.id,
        )
    return request


def close(records: Records, worker_id: str, request: Request, why: str) -> None:
    """It is over. `why` is told to the orchestrator; empty when its answer was given."""
    home = records.home(worker_id)
    with exclusive(reports.report_lock(records, worker_id)):
        if not requests.is_open(home, request.id):
            return  # somebody else was faster
        worker = records.get(worker_id)
        unused = _withdraw(home, request.id)
        if why and reports.owner_mailbox(records, worker).contains(request.id):
            body = f"The dialog of {request.id} ({request.reason}) {why}."
            body += " The answer that you sent was not used." if unused else ""
            settled = _settled_id(request.id)
            reports.tell_once(records, worker, message.SETTLED, settled, body)
        # The file goes last: killed before, the next one to look does all of it again.
        others = [one for one in requests.all_open(home) if one.id != request.id]
        records.update(worker_id, lambda one: _go_on(one, request, others))
        requests.forget(home, request.id)
    journal.note(home, "dialog closed", request=request.id, why=why or "decided")


def tool_used(home: str, given: dict[str, Any]) -> None:
    """Closes the dialog that asked for a tool that was run now."""
    call = requests.call_of(str(given.get("tool_name")), given.get("tool_input"))
    agent = str(given.get("agent_id") or "")
    same = [one for one in requests.all_open(home) if (one.call, one.agent) == (call, agent)]
    # Only the oldest: the next one may ask for the very same again.
    _close_each(home, same[:1], AT_TERMINAL)


def close_all(home: str, why: str, *, subagents_too: bool) -> None:
    """Closes the dialogs of a worker, of its main conversation alone or all of them."""
    over = [one for one in requests.all_open(home) if subagents_too or not one.agent]
    _close_each(home, over, why)


def decide(
    records: Records,
    worker: Worker,
    decision: str,
    *,
    reason: str = "",
    request_id: str = "",
    was_shown_whole: bool = False,
    attach: str,
) -> Message:
    """Answers a dialog; gives the message that did it. Raises InvalidInput when none is open,
    when the answer does not fit, or when only the person can answer any more.

    What was too long to be shown whole is allowed with its `end` behind the id alone, unless
    whoever answers `was_shown_whole` it.
    """
    home = records.home(worker.id)
    request_id, _, end = request_id.partition("-")
    request = _wanted(records, worker, request_id)
    decided = _decision(request, decision, reason)
    is_known = was_shown_whole or end == request.end or not request.end
    if decided["behavior"] == "allow" and not is_known:
        raise InvalidInput(_unread(records, worker, request))
    answer = _message(worker, request, decided)
    with exclusive(reports.report_lock(records, worker.id)):
        mailbox = Mailbox(mailbox_path(home))
        if not requests.is_open(home, request.id):
            raise InvalidInput(_nothing_open(records, worker, request.id))
        if not request.is_waited_for:
            raise InvalidInput(_left_to_person(request, attach))
        if mailbox.contains(answer.id):
            raise InvalidInput(f"You have answered {request.id} already.")
        mailbox.deliver(answer)
    _see_it_taken(records, worker, request, attach)
    return answer


def repair(records: Records, workers: Sequence[Worker]) -> None:
    """Takes back answers that nobody takes any more, and says so."""
    for one in workers:
        for request in requests.all_open(records.home(one.id)):
            if request.is_waited_for:
                continue
            with (
                suppress(StateUnavailable, WorkerNotFound),
                exclusive(reports.report_lock(records, one.id)),
            ):
                worker = records.get(one.id)
                if worker.owner == one.owner:
                    _tell_lost(records, worker, request)


def _close_each(home: str, over: list[Request], why: str) -> None:
    for request in over:
        close(Records(repository_of(home)), os.path.basename(home), request, why)


def _request(given: dict[str, Any]) -> Request:
    tool, tool_input = str(given.get("tool_name")), given.get("tool_input")
    asked = tool_input.get("questions") if isinstance(tool_input, dict) else None
    questions = asked if tool == ASK_USER and isinstance(asked, list) else []
    return Request(
        id=identifiers.new_message_id(),
        process=process_identity.identity(os.getpid()),
        tool=tool,
        call=requests.call_of(tool, tool_input),
        agent=str(given.get("agent_id") or ""),
        reason=f"{REASONS[1] if questions else REASONS[0]}{rendering.one_line(tool)[:100]}",
        questions=questions,
    )


def _asked(request: Request, given: dict[str, Any]) -> tuple[Request, str]:
    """The dialog, and what is told of it."""
    if request.questions:
        return request, rendering.questions_asked(request.questions)
    text = rendering.permission_wanted(
        request.tool, given.get("tool_input"), by_subagent=bool(request.agent)
    )
    if rendering.units(text) <= rendering.BODY_LIMIT:
        return request, text
    request = request._replace(end=identifiers.random_hex(2))
    allowed_as = f"{request.id}-{request.end}"
    return request, f'{text}\nThis is all of it. To allow it: message_id="{allowed_as}".'


def _go_on(worker: Worker, request: Request, others: list[Request]) -> Worker:
    """The record without this dialog; other dialogs may still be open."""
    told = worker.report.message_id if worker.report else ""
    if worker.status is Status.BLOCKED and worker.reason.startswith(REASONS):
        after = worker.unblock(at=now())
    elif worker.status is Status.ASKING and told == request.id:
        after = worker.resume(at=now())
    else:
        return worker
    return replace(after, status=Status.BLOCKED, reason=others[-1].reason) if others else after


def _wanted(records: Records, worker: Worker, request_id: str) -> Request:
    """The dialog that is meant. Raises InvalidInput unless there is exactly one, and it was seen:
    what is allowed unseen might be something else.
    """
    home = records.home(worker.id)
    found = [one for one in requests.all_open(home) if request_id in ("", one.id)]
    if not found:
        raise InvalidInput(_nothing_open(records, worker, request_id))
    if len(found) > 1:
        listed = ", ".join(f"{one.id} ({one.reason})" for one in found)
        raise InvalidInput(
            f"Worker {worker.id} waits for {len(found)} answers: {listed}. Say with message_id "
            "which one you answer."
        )
    (request,) = found
    if not request_id and reports.owner_mailbox(records, worker).is_unread(request.id):
        raise InvalidInput(
            f"You have not seen yet what worker {worker.id} waits for ({request.reason}). "
            "Call read_mail, then answer."
        )
    return request


def _unread(records: Records, worker: Worker, request: Request) -> str:
    file = reports.owner_mailbox(records, worker).files().get(request.id, "its file")
    return (
        f"What {request.id} asks for was too long to be shown whole. Read {file} to its end: the "
        "last line says with which message_id it is allowed. It can be denied unread."
    )


def _nothing_open(records: Records, worker: Worker, request_id: str) -> str:
    meant = request_id or (worker.report.message_id if worker.report else "")
    if reports.owner_mailbox(records, worker).contains(_settled_id(meant)):
        return f"The dialog of {meant} is over already: a message in your mail says how."
    if Mailbox(mailbox_path(records.home(worker.id))).contains(_decision_id(meant)):
        return f"You have answered {meant} already."
    how = (
        "It called `ask`: answer with nudge_worker."
        if worker.status is Status.ASKING
        else "list_workers tells what each is doing."
    )
    which = f" {request_id!r}" if request_id else ""
    return f"Worker {worker.id} ({worker.status.value}) has no open dialog{which}. {how}"


def _decision(request: Request, decision: str, reason: str) -> dict[str, object]:
    """What the hook is to give to Claude Code."""
    wanted = decision.strip().casefold()
    if reason and (request.questions or wanted != "deny"):
        raise InvalidInput("A message goes with deny only. Send it with nudge_worker.")
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


def _see_it_taken(records: Records, worker: Worker, request: Request, attach: str) -> None:
    """Returns once the answer was given. Raises InvalidInput when it was not."""
    home = records.home(worker.id)
    deadline = time.monotonic() + TAKEN_SECONDS
    while requests.is_open(home, request.id) and request.is_waited_for:
        if time.monotonic() > deadline:
            raise InvalidInput(
                f"Your answer to {request.id} lies ready, and was not taken in "
                f"{TAKEN_SECONDS:.0f} s. list_workers tells when the worker goes on."
            )
        time.sleep(POLL_SECONDS)
    if reports.owner_mailbox(records, worker).contains(_settled_id(request.id)):
        raise InvalidInput(f"The dialog of {request.id} {AT_TERMINAL} first.")
    if _take_back(records, worker, request) or requests.is_open(home, request.id):
        raise InvalidInput(_left_to_person(request, attach))


def _left_to_person(request: Request, attach: str) -> str:
    return (
        f"Nobody waits for the answer to {request.id} any more: its time was up, or its hook was "
        f"ended. The dialog is left to the person: ask your user to answer it with: {attach}"
    )


def _take_back(records: Records, worker: Worker, request: Request) -> bool:
    """Whether there was an answer that was not given."""
    with exclusive(reports.report_lock(records, worker.id)):
        return _withdraw(records.home(worker.id), request.id)


def _tell_lost(records: Records, worker: Worker, request: Request) -> None:
    claim = reports.take_answer(records.home(worker.id), request.id)
    if claim is None:
        return
    body = (
        f"Your answer to {request.id} ({request.reason}) was not given: the hook that waited for "
        "it was ended. The dialog is left to the person at its terminal."
    )
    lost = identifiers.message_id_of(f"{request.id} lost")
    reports.tell_once(records, worker, message.SETTLED, lost, body)
    claim.acknowledge()


def _withdraw(home: str, request_id: str) -> bool:
    """Takes an unused answer out of the mailbox; whether there was one."""
    claim = reports.take_answer(home, request_id)
    if claim is not None:
        claim.acknowledge()
    return claim is not None


def _decision_id(request_id: str) -> str:
    return identifiers.message_id_of(f"{request_id} decision")


def _settled_id(request_id: str) -> str:
    return identifiers.message_id_of(f"{request_id} settled")
