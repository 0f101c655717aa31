"""What a worker can do: check in, ask, complete; and what is reported when it can't any more.

A report changes the record first, then lies in the owner's mailbox; `redeliver` repairs what
a crash between the two left.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from worker_manager import messages, naming
from worker_manager.errors import WorkerManagerError
from worker_manager.messages import Message
from worker_manager.models import Report, Status, Worker
from worker_manager.state import journal, processes
from worker_manager.state.files import write_atomic
from worker_manager.state.layout import WAITING, mailbox_path, orchestrator_home
from worker_manager.state.locking import exclusive
from worker_manager.state.mailbox import Mailbox, is_answer
from worker_manager.state.records import Records, now

SCREEN_LINES = 30


def check_in(records: Records, worker_id: str) -> None:
    """Its session has started, or started a turn."""
    if records.get(worker_id).status is Status.STARTING:
        records.update(worker_id, lambda worker: worker.check_in(at=now()))


def complete(records: Records, worker_id: str, summary: str) -> Worker:
    """Reports the work as done, with what lies on its branch. The same summary again is the
    same report.
    """
    text = naming.checked_text(summary, "summary")
    current = records.get(worker_id)
    if current.status is Status.COMPLETED and current.report and current.report.text == text:
        return redeliver(records, current)
    report = _new_report(messages.COMPLETION, text)
    _, worker = records.update(worker_id, lambda worker: worker.complete(report))
    return redeliver(records, worker)


def ask(records: Records, worker_id: str, question: str) -> Report:
    """Reports a question; the answer will carry the report's message id."""
    report = _new_report(messages.QUESTION, naming.checked_text(question, "question"))
    _, worker = records.update(worker_id, lambda worker: worker.ask(report))
    redeliver(records, worker)
    return report


def go_on(records: Records, worker_id: str) -> None:
    """It has its answer. Mostly its orchestrator has noted that already."""
    if records.get(worker_id).status is Status.ASKING:
        records.update(worker_id, lambda worker: worker.resume(at=now()))


def stalled(records: Records, worker_id: str, last_words: str) -> None:
    """It ended its turn again and again without a report."""
    worker = records.get(worker_id)
    body = f"It ended its turn without a report. Its last words:\n{last_words or '(none)'}"
    _deliver(records, worker, _message(worker, messages.STALLED, naming.new_message_id(), body))
    journal.note(records.home(worker_id), "stalled")


def ended(records: Records, worker_id: str, *, exit_code: int | None, screen: str) -> None:
    """Its agent process is gone; without a report that is a failure, told once."""
    home = records.home(worker_id)
    if screen:
        write_atomic(os.path.join(home, "pane.log"), screen.encode("utf-8", "replace"))
    code = "unknown" if exit_code is None else str(exit_code)
    reason = f"its agent ended, exit code {code}, without a report"
    tail = "\n".join(screen.splitlines()[-SCREEN_LINES:]) or "(nothing)"
    report = _new_report(messages.FAILED, f"{reason}. Its terminal showed last:\n{tail}")

    def change(worker: Worker) -> Worker:
        after = worker.end(at=now(), reason=reason, exit_code=exit_code)
        failed = after.status is Status.FAILED and not worker.finished
        return replace(after, report=report) if failed else after

    _, worker = records.update(worker_id, change)
    redeliver(records, worker)


def redeliver(records: Records, worker: Worker) -> Worker:
    """Puts the last report into the owner's mailbox unless it is known to be there."""
    report = worker.report
    if report is None or report.delivered:
        return worker
    owner = _owner_mailbox(records, worker)
    message = _message(worker, report.type, report.message_id, _body(worker, report))
    with exclusive(os.path.join(records.home(worker.id), "report.lock")):
        if not owner.contains(report.message_id):
            owner.deliver(message)
    _, after = records.update(
        worker.id,
        lambda w: w.reported() if w.report and w.report.message_id == report.message_id else w,
    )
    return after


@contextmanager
def waiting(home: str) -> Iterator[None]:
    """While this is held, hooks leave answers to the `ask` call that waits for one."""
    path = os.path.join(home, WAITING)
    write_atomic(path, f"{os.getpid()} {processes.start_time(os.getpid())}".encode())
    try:
        yield
    finally:
        if os.path.exists(path):
            os.unlink(path)


def take_answer(home: str) -> Message | None:
    """The oldest answer in the worker's mailbox, taken out; None while there is none."""
    claim = Mailbox(mailbox_path(home)).claim(most=1, accept=is_answer)
    if claim is None:
        return None
    claim.acknowledge()
    return claim.messages[0]


def _new_report(kind: str, text: str) -> Report:
    return Report(message_id=naming.new_message_id(), type=kind, text=text, at=now())


def _message(worker: Worker, kind: str, message_id: str, body: str) -> Message:
    return Message(
        id=message_id, type=kind, sender=worker.id, name=worker.name, sent=now(), body=body
    )


def _body(worker: Worker, report: Report) -> str:
    """The report's text; a completion carries what really lies on the branch."""
    if report.type != messages.COMPLETION or not worker.base_sha:
        return report.text
    from worker_manager import worktrees  # 95 ms: only a completion needs git

    try:
        work = worktrees.describe(worker.path, worker.base_sha)
    except WorkerManagerError as error:
        return f"{report.text}\n\nBranch {worker.branch} can't be described: {error}"
    commits = (
        f"{work.commits} commit{'s' if work.commits != 1 else ''} since {worker.base_sha[:12]}"
    )
    files = f"{work.uncommitted} uncommitted file{'s' if work.uncommitted != 1 else ''}"
    return f"{report.text}\n\nBranch {worker.branch}: {commits}, {files}.\n{work.diffstat}".rstrip()


def _owner_mailbox(records: Records, worker: Worker) -> Mailbox:
    mailbox = Mailbox(mailbox_path(orchestrator_home(records.repository, worker.owner)))
    mailbox.create()
    return mailbox


def _deliver(records: Records, worker: Worker, message: Message) -> None:
    _owner_mailbox(records, worker).deliver(message)
