"""Workers that need no claude, and what their orchestrator hears of them."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain import identifiers
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Status, Worker
from worker_manager.state import process_identity, sessions
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import now

#: A task at which the scripted agent does nothing, until somebody ends it.
HANG = '```steps\n[{"hang": true}]\n```'


def recorded_worker(fleet: Fleet, project: str | Path, **fields: Any) -> Worker:
    """A record, a home and a linked session, and no terminal.

    It is taken for one that is being started, as long as the test runs.
    """
    time.sleep(0.001)  # workers stand in the order of their milliseconds
    worker_id = identifiers.new_worker_id()
    usual = {
        "id": worker_id,
        "name": identifiers.worker_name("t", worker_id),
        "title": "t",
        "owner": fleet.owner,
        "created_at": now(),
        "project": str(project),
        "path": str(project),
        "agent": "scripted",
        "session_id": str(uuid.uuid4()),
        "handle": "/no/such/place:t",
        "mark": identifiers.new_mark(),
        "starter": process_identity.identity(os.getpid()),
    }
    worker = Worker(**{**usual, **fields})
    fleet.records.create(worker)()
    sessions.link(state_root(), worker.session_id, fleet.records.home(worker_id))
    return worker


def running_worker(fleet: Fleet) -> Worker:
    """One with a scripted agent that has checked in, and hangs."""
    worker = fleet.start(StartRequest("t", HANG)).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.RUNNING)
    return fleet.worker(worker.id)


def take_mail(fleet: Fleet) -> list[Message]:
    """The messages that wait for the orchestrator, taken out."""
    claim = fleet.claim_mail(most=50)
    if claim is None:
        return []
    claim.acknowledge()
    return claim.messages


def take_news(fleet: Fleet) -> list[tuple[str, str]]:
    """Type and sender of each message that waits for the orchestrator, taken out."""
    return [(message.type, message.sender) for message in take_mail(fleet)]


def letters_to(fleet: Fleet, worker: Worker) -> list[str]:
    """The types of the messages that a worker was sent, shown or not."""
    box = Mailbox(mailbox_path(fleet.records.home(worker.id)))
    # Also those that a hook has taken and not yet shown.
    found = map(box.find, box.files())
    return [message.type for message in found if message]
