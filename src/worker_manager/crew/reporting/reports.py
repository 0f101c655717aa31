"""What a worker can do: check in, ask, complete; and what is reported when it can't any more.

A report changes the record first, then lies in the owner's mailbox; `redeliver` repairs what
a crash between the two left.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from worker_manager.crew.reporting import forwarding
from worker_manager.domain import identifiers
from worker_manager.domain import message as messages
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Report, Status, Worker
from worker_manager.errors import NothingCommitted, StateBusy
from worker_manager.state import journal
from worker_manager.state.files import write_atomic
from worker_manager.state.layout import mailbox_path, orchestrator_home
from worker_manager.state.locking import exclusive
from worker_manager.state.mail.inbox import Claim, is_answer, is_decision
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers import delivery_note
from worker_manager.state.workers.records import Records, now

if TYPE_CHECKING:
    from worker_manager.crew.reporting.checks import Result

SCREEN_LINES = 30


def check_in(records: Records, worker_id: str, began: float | None = None) -> Worker:
    """Its session has started, or started a turn, at `began` (seconds since the epoch; None: now).
    Gives the worker.
    """
    worker = records.load(worker_id)
    if worker.status in (Status.STARTING, Status.BLOCKED) or worker.is_presumed_dead:
        _, worker = records.update(worker_id, lambda worker: worker.check_in(at=now(), began=began))
    return worker


def complete(
    records: Records, worker_id: str, summary: str, results: Sequence[Result] = ()
) -> Worker:
    """Reports the work as done, with what lies in its directory and how its checks went. The same
    summary again is the same report.
    """
    from worker_manager.crew.reporting import evidence  # 95 ms: only a completion needs git

    report = _new_report(messages.COMPLETION, identifiers.checked_text(summary, "summary"))
    # Asks git: not under the lock.
    found = evidence.examine(records.load(worker_id), records.home(worker_id), results)

    def change(worker: Worker) -> Worker:
        return worker if _is_repeated(worker, report.text) else worker.complete(report, found)

    return _report(records, worker_id, report, change)


def require_commit(records: Records, worker_id: str) -> None:
    """Raises NothingCommitted when all that it has done is in no commit."""
    from worker_manager.crew.reporting import evidence  # as above

    left = evidence.only_uncommitted(records.load(worker_id))
    if left:
        raise NothingCommitted(
            "Nothing is committed, so nothing was reported: only commits are merged. In no commit: "
            f"{evidence.some(left)}. Commit what belongs to your work, then call `complete` "
            "again; if nothing does, call it again and say so."
        )


def has_completed(records: Records, worker_id: str, summary: str) -> bool:
    """Whether it has completed with this summary: then there is nothing more to check."""
    return _is_repeated(records.load(worker_id), identifiers.checked_text(summary, "summary"))


def ask(records: Records, worker_id: str, question: str, *, message_id: str = "") -> Report:
    """Reports a question; the answer will name the report's message id. The same question
    again, while it has no answer, is the same report, unless it comes with a `message_id`.
    """
    text = identifiers.checked_text(question, "question")
    report = _new_report(messages.QUESTION, text)
    if message_id:
        report = report._replace(message_id=message_id)

    def change(worker: Worker) -> Worker:
        repeated = worker.status is Status.ASKING and _says(worker, report) and not message_id
        return worker if repeated else worker.ask(report)

    asked = _report(records, worker_id, report, change).report
    assert asked is not None  # noqa: S101  `ask` has just set it
    return asked


def blocked(
    records: Records,
    worker_id: str,
    kind: str,
    text: str,
    *,
    reason: str,
    message_id: str = "",
    is_meant: Callable[[Worker], bool] = lambda _: True,
) -> Worker:
    """It can't go on by itself: a message of this kind (`permission`, `blocked`, `limit`) says
    why. `message_id` is that of the message, when others must know it before it is sent;
    `is_meant` says of the record, under its lock, whether that is still true.
    """
    report = _new_report(kind, text)._replace(message_id=message_id or identifiers.new_message_id())

    def change(worker: Worker) -> Worker:
        return worker.block(report, reason=reason) if is_meant(worker) else worker

    return _report(records, worker_id, report, change)


def unblocked(records: Records, worker_id: str) -> None:
    """It goes on."""
    if records.load(worker_id).status is Status.BLOCKED:
        records.update(worker_id, lambda worker: worker.unblock(at=now()))


def go_on(records: Records, worker_id: str) -> None:
    """It has its answer. Mostly its orchestrator has noted that already."""
    if records.load(worker_id).status is Status.ASKING:
        records.update(worker_id, lambda worker: worker.resume(at=now()))


def stalled(records: Records, worker_id: str, last_words: str, *, occasion: str) -> None:
    """It ended its turn again and again without a report; told once for each occasion."""
    body = f"It ended its turn without a report. Its last words:\n{last_words or '(none)'}"
    message_id = forwarding.stalled_id(worker_id, occasion)
    with exclusive(report_lock(records, worker_id)):
        if tell_once(records, records.load(worker_id), messages.STALLED, message_id, body):
            journal.note(records.home(worker_id), "stalled")


def tell_once(records: Records, worker: Worker, kind: str, message_id: str, body: str) -> bool:
    """A message to its owner that changes no record; whether it was not told before. The
    caller holds the `report_lock`.
    """
    current = forwarding.forward(records, records.load(worker.id))  # it may have another owner now
    owner = owner_mailbox(records, current)
    if owner.contains(message_id):
        return False
    owner.deliver(_message(current, kind, message_id, body, sent=now()))
    return True


def ended(
    records: Records,
    worker_id: str,
    *,
    exit_code: int | None,
    screen: str,
    reason: str = "",
    is_meant: Callable[[Worker], bool] = lambda _: True,
) -> None:
    """Its agent process is gone; without a report that is a failure, told once. `is_meant` says
    of the record, under its lock, whether that was its present agent: it may have been restored.
    """
    home = records.home(worker_id)
    if screen:
        write_atomic(os.path.join(home, "pane.log"), screen.encode("utf-8", "replace"))
    code = "unknown" if exit_code is None else str(exit_code)
    reason = reason or f"its agent ended, exit code {code}, without a report"
    tail = "\n".join(screen.splitlines()[-SCREEN_LINES:]) or "(nothing)"
    report = _new_report(messages.FAILED, f"{reason}. Its terminal showed last:\n{tail}")

    def change(worker: Worker) -> Worker:
        if not is_meant(worker):
            return worker
        after = worker.end(at=now(), reason=reason, exit_code=exit_code)
        failed = after.status is Status.FAILED and not worker.finished
        return after._replace(report=report) if failed else after

    _report(records, worker_id, report, change)


def redeliver(records: Records, worker: Worker) -> Worker:
    """Puts the last report into the owner's mailbox unless it is known to be there, and what lies
    with former owners, too.
    """
    if not _is_due(worker):
        return worker
    with exclusive(report_lock(records, worker.id)):
        return delivered(records, records.load(worker.id))


def delivered(records: Records, worker: Worker) -> Worker:
    """The same of a record as it is now; the caller holds the `report_lock`. What former owners
    have comes first: it is older.
    """
    current = forwarding.forward(records, worker)
    report = current.report
    if report is None or report.delivered:
        return current
    if not owner_mailbox(records, current).contains(report.message_id):
        _deliver(records, current, report)
    return _noted(records, current, report)


def redeliver_all(records: Records, workers: Sequence[Worker]) -> None:
    """Repairs what crashes between record and mailbox have left of these workers."""
    for worker in workers:
        if _is_due(worker):
            with suppress(StateBusy):  # then somebody is at it
                redeliver(records, worker)


def report_lock(records: Records, worker_id: str) -> str:
    """The lock file under which reports travel and owners change; taken before the record's."""
    return os.path.join(records.home(worker_id), "report.lock")


def take_answer(home: str, question_id: str) -> Claim | None:
    """The answer to a question or dialog, taken out of its mailbox; None while there is none.
    The caller acknowledges it once it was given, or releases it.
    """
    mailbox = Mailbox(mailbox_path(home))

    def is_wanted(name: str) -> bool:
        message = mailbox.peek(name) if is_answer(name) or is_decision(name) else None
        return message is not None and message.reply_to == question_id

    return mailbox.claim(limit=1, accept=is_wanted)


def _report(
    records: Records, worker_id: str, report: Report, change: Callable[[Worker], Worker]
) -> Worker:
    """Changes the record, then delivers what it says; an earlier report first, which no other may
    overwrite in between. `report` is a new one, with an id that no letter has yet: if the change
    takes it, nobody needs to look for it in the mailbox.
    """
    with exclusive(report_lock(records, worker_id)):
        delivered(records, records.load(worker_id))
        _, worker = records.update(worker_id, change)
        if worker.report is not report:
            return delivered(records, worker)
        _deliver(records, worker, report)
        return _noted(records, worker, report)


def _deliver(records: Records, worker: Worker, report: Report) -> None:
    body = _body(worker, report)
    # As old as what it tells: an answer may be given before this lies there.
    letter = _message(worker, report.type, report.message_id, body, sent=report.at)
    owner_mailbox(records, worker).deliver(letter)


def _noted(records: Records, worker: Worker, report: Report) -> Worker:
    """Notes that the report lies in the owner's mailbox. What the disk refuses is looked for there
    again.
    """
    with suppress(OSError):
        delivery_note.note(records.home(worker.id), report.message_id)
    return worker.reported()


def _is_due(worker: Worker) -> bool:
    is_cut_off = worker.report is not None and not worker.report.delivered
    return is_cut_off or bool(worker.formers)


def _is_repeated(worker: Worker, summary: str) -> bool:
    said = worker.report.text if worker.report else None
    return worker.status is Status.COMPLETED and said == summary


def _says(worker: Worker, report: Report) -> bool:
    current = worker.report
    return current is not None and (current.type, current.text) == (report.type, report.text)


def _new_report(kind: str, text: str) -> Report:
    return Report(message_id=identifiers.new_message_id(), type=kind, text=text, at=now())


def _message(worker: Worker, kind: str, message_id: str, body: str, *, sent: str) -> Message:
    return Message(
        id=message_id, type=kind, sender=worker.id, name=worker.name, sent=sent, body=body
    )


def _body(worker: Worker, report: Report) -> str:
    """The report's text; that of a completion behind what was found. What we found comes first:
    a summary that claims to be evidence stands behind it.
    """
    if report.type != messages.COMPLETION or not worker.evidence:
        return report.text
    return f"Found by worker-manager:\n{worker.evidence}\n\nThe worker says:\n{report.text}"


def owner_mailbox(records: Records, worker: Worker) -> Mailbox:
    """The mailbox of the worker's orchestrator."""
    mailbox = Mailbox(mailbox_path(orchestrator_home(records.repository, worker.owner)))
    mailbox.create()
    return mailbox
