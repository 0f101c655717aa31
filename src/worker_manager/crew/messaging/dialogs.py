"""The dialogs at a worker's terminal that its orchestrator may answer: permissions, and the
questions of AskUserQuestion. The worker's hook opens one and waits, its orchestrator decides
(`decisions`), whoever sees that it is over closes it. The person at the terminal may be faster at
any time.
"""

from __future__ import annotations

import os
from typing import Any

from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers, message
from worker_manager.domain.reasons import DIALOGS, PERMISSION, QUESTION
from worker_manager.domain.worker import Status, Worker
from worker_manager.state import journal, process_identity
from worker_manager.state.layout import repository_of
from worker_manager.state.locking import exclusive
from worker_manager.state.workers import requests
from worker_manager.state.workers.records import Records, now
from worker_manager.state.workers.requests import Request
from worker_manager.text import rendering

ASK_USER = "AskUserQuestion"
#: The reason of a worker whose dialog no hook has opened.
ONLY_THERE = "permission: a dialog at its terminal"
AT_TERMINAL = "was answered or dismissed at its terminal"
RESTARTED = "is gone: its session was started anew"


def open_dialog(records: Records, worker_id: str, given: dict[str, Any]) -> Request | None:
    """Notify the orchestrator of the dialog that a PermissionRequest hook was called for; `given`
    is the hook's input. None when the worker has ended: nobody would answer.
    """
    worker = records.load(worker_id)
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
    """Close a dialog and notify the owner with `why`; empty when its own answer was applied."""
    home = records.home(worker_id)
    with exclusive(reports.report_lock(records, worker_id)):
        if not requests.is_open(home, request.id):
            return  # somebody else was faster
        worker = records.load(worker_id)
        unused = withdraw(home, request.id)
        if why and reports.owner_mailbox(records, worker).contains(request.id):
            body = f"The dialog of {request.id} ({request.reason}) {why}."
            body += " The answer that you sent was not used." if unused else ""
            settled = settled_id(request.id)
            reports.tell_once(records, worker, message.SETTLED, settled, body)
        # The file goes last: killed before, the next one to look does all of it again.
        others = [one for one in requests.all_open(home) if one.id != request.id]
        records.update(worker_id, lambda one: _go_on(one, request, others))
        requests.forget(home, request.id)
    journal.note(home, "dialog closed", request=request.id, why=why or "decided")


def tool_used(home: str, given: dict[str, Any]) -> None:
    """Close the dialog that asked for a tool which has run now; `given` is the hook's input."""
    call = requests.call_of(str(given.get("tool_name")), given.get("tool_input"))
    agent = str(given.get("agent_id") or "")
    same = [one for one in requests.all_open(home) if (one.call, one.agent) == (call, agent)]
    # Only the oldest: the next one may ask for the very same again.
    _close_each(home, same[:1], AT_TERMINAL)


def close_all(home: str, why: str, *, subagents_too: bool) -> None:
    """Close a worker's open dialogs: those of its main conversation, or its subagents', too."""
    over = [one for one in requests.all_open(home) if subagents_too or not one.agent]
    _close_each(home, over, why)


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
        reason=f"{QUESTION if questions else PERMISSION}{rendering.one_line(tool)[:100]}",
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
    if worker.status is Status.BLOCKED and worker.reason.startswith(DIALOGS):
        after = worker.unblock(at=now())
    elif worker.status is Status.ASKING and told == request.id:
        after = worker.resume(at=now())
    else:
        return worker
    return after._replace(status=Status.BLOCKED, reason=others[-1].reason) if others else after


def withdraw(home: str, request_id: str) -> bool:
    """Take an unused answer out of the mailbox of `home`; whether there was one."""
    claim = reports.take_answer(home, request_id)
    if claim is not None:
        claim.acknowledge()
    return claim is not None


def settled_id(request_id: str) -> str:
    """The id of the message that tells how a dialog was closed."""
    return identifiers.message_id_of(f"{request_id} settled")
