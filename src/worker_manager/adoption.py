"""Workers whose orchestrator's session is gone, and how another takes them over."""

from __future__ import annotations

import os
from collections.abc import Sequence

from worker_manager import messages, naming, reports
from worker_manager.errors import InvalidInput
from worker_manager.messages import Message
from worker_manager.models import Worker
from worker_manager.state import journal, receipts, sessions
from worker_manager.state.layout import mailbox_path, orchestrator_home
from worker_manager.state.locking import exclusive
from worker_manager.state.mailbox import Mailbox
from worker_manager.state.orchestrators import TERMINAL
from worker_manager.state.records import Records, now


def orphans(root: str, records: Records, owner: str, everybody: Sequence[Worker]) -> list[Worker]:
    """Workers of others whose session is gone, and that work still or have reported to nobody.
    A person's at a terminal are none: nobody says when that one comes back.
    """
    waiting: dict[str, set[str]] = {}
    found = []
    for worker in everybody:
        if worker.owner in (owner, TERMINAL):
            continue
        if worker.owner not in waiting:
            waiting[worker.owner] = _mailbox(records, worker.owner).senders()
        if worker.id in waiting[worker.owner] or not worker.finished:
            found.append(worker)
    return [one for one in found if not _is_attended(root, records, one)]


def adopt(
    root: str, records: Records, home: str, worker_ids: Sequence[str], *, force: bool
) -> list[Worker]:
    """Gives the orchestrator of `home` the orphans, or the workers named. `force` takes the named
    ones from a session that runs, too.

    Raises InvalidInput when a named one has an orchestrator that runs.
    """
    owner = os.path.basename(home)
    if not worker_ids:
        found = orphans(root, records, owner, records.all())
        return [_adopt(root, records, owner, one) for one in found]
    named = [records.get(worker_id) for worker_id in dict.fromkeys(worker_ids)]
    others = [one for one in named if one.owner != owner]
    for worker in others:
        if _is_attended(root, records, worker) and not force:
            raise InvalidInput(
                f"Worker {worker.id} belongs to a session that is running. Ask your user; "
                "force=true takes it all the same."
            )
    return [_adopt(root, records, owner, other) for other in others]


def _is_attended(root: str, records: Records, worker: Worker) -> bool:
    home = orchestrator_home(records.repository, worker.owner)
    return bool(sessions.attending(root, home))


def _adopt(root: str, records: Records, owner: str, worker: Worker) -> Worker:
    """Its owner changes and what it had sent comes along, under the lock of its reports."""
    former = orchestrator_home(records.repository, worker.owner)
    own = _mailbox(records, owner)
    own.create()
    with exclusive(reports.report_lock(records, worker.id)):
        _, adopted = records.update(worker.id, lambda one: one.adopt(owner))
        receipts.settle(former, restarted=not sessions.attending(root, former))
        _mailbox(records, worker.owner).hand_over(own, worker.id)
    journal.note(records.home(worker.id), "adopted", by=owner, from_=worker.owner)
    _tell_former_owner(_mailbox(records, worker.owner), adopted)
    return adopted


def _tell_former_owner(mailbox: Mailbox, worker: Worker) -> None:
    mailbox.create()
    mailbox.deliver(
        Message(
            id=naming.new_message_id(),
            type=messages.ADOPTED,
            sender=worker.id,
            name=worker.name,
            sent=now(),
            body="Another session has adopted this worker; it reports there from now on.",
        )
    )


def _mailbox(records: Records, owner: str) -> Mailbox:
    return Mailbox(mailbox_path(orchestrator_home(records.repository, owner)))
