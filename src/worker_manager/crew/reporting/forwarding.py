"""Letters of a worker that has another orchestrator now: they follow it.

Its record names the orchestrators that it had (`formers`) until nothing of it can lie with them any
more. Whoever reports of it, or looks at it for its owner, goes on from where a crash cut that off.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress

from worker_manager.agents import HOST, agent_named
from worker_manager.domain import identifiers, message
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Former, Status, Worker
from worker_manager.errors import StateUnavailable
from worker_manager.state import sessions
from worker_manager.state.layout import ORCHESTRATORS, mailbox_path, orchestrator_home
from worker_manager.state.mail import awaited_answer, receipts
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers import reminders, requests
from worker_manager.state.workers.records import Records

_TOLD = "Another session has adopted this worker; it reports there from now on."


def mailbox_of(records: Records, owner: str) -> Mailbox:
    """An orchestrator's mailbox, whether it is there or not."""
    return Mailbox(mailbox_path(orchestrator_home(records.repository, owner)))


def still_asking(records: Records, worker: Worker) -> frozenset[str]:
    """The ids of its letters that want an answer, or a nudge, and have had none."""
    home = records.home(worker.id)
    asking = {one.id for one in requests.all_open(home)}
    if worker.status in (Status.ASKING, Status.BLOCKED) and worker.report:
        asking.add(worker.report.message_id)
    if question := awaited_answer.waiting(home):
        asking.add(question)  # a dialog was opened beside it
    if worker.status is Status.RUNNING and reminders.was_told_of(home):
        asking.add(stalled_id(worker.id, reminders.occasion(home)))
    return frozenset(asking)


def stalled_id(worker_id: str, occasion: str) -> str:
    """The id of the letter of this occasion: it ended its turn without a report."""
    return identifiers.message_id_of(f"{worker_id} {occasion}")


def forward(records: Records, worker: Worker) -> Worker:
    """Has its letters follow it from its former owners, and tells these, once. The caller holds its
    `report_lock` and gives the record as it is now. What the disk refuses is left for the next
    time.
    """
    if not worker.formers:
        return worker
    asking = still_asking(records, worker)
    done = []
    for former in worker.formers:
        with suppress(OSError, StateUnavailable):
            is_empty = _empty(records, worker, former.owner, asking)
            _tell(records, worker, former)
            done += [former] if is_empty else []
    return records.update(worker.id, lambda one: one.forwarded(done))[1] if done else worker


def elsewhere(records: Records, workers: Sequence[Worker]) -> dict[str, set[str]]:
    """Which orchestrators have unread letters of these workers, though their records know nothing
    of that: older versions left some behind. By the worker's id.
    """
    known = {one.id: {one.owner, *(former.owner for former in one.formers)} for one in workers}
    found: dict[str, set[str]] = {one: set() for one in known}
    folder = os.path.join(records.repository, ORCHESTRATORS)
    for owner in sorted(os.listdir(folder)):
        for one in mailbox_of(records, owner).has_reports_of(set(known)):
            if owner not in known[one]:
                found[one].add(owner)
    return found


def _empty(records: Records, worker: Worker, owner: str, asking: Collection[str]) -> bool:
    """Moves its letters; whether no more of them can come to lie there."""
    home = orchestrator_home(records.repository, owner)
    is_gone = not sessions.attending(os.path.dirname(records.repository), home)
    with suppress(StateUnavailable):
        receipts.requeue_unconfirmed(home, agent_named(HOST).receipts, restarted=is_gone)
    own = mailbox_of(records, worker.owner)
    own.create()
    return not mailbox_of(records, owner).transfer(own, worker.id, asking)


def _tell(records: Records, worker: Worker, former: Former) -> None:
    mailbox = mailbox_of(records, former.owner)
    mailbox.create()
    message_id = identifiers.message_id_of(f"{worker.id} left {former.owner} {former.at}")
    if not mailbox.contains(message_id):
        mailbox.deliver(
            Message(
                id=message_id,
                type=message.ADOPTED,
                sender=worker.id,
                name=worker.name,
                sent=former.at,
                body=_TOLD,
            )
        )
