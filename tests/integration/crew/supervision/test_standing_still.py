"""A worker that stands still is told of, and, once it was spoken to, has time to wake."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.scripted.workers import recorded_worker, take_news
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.supervision.reconcile import notify_idle
from worker_manager.domain.worker import Status, Worker
from worker_manager.state import sessions
from worker_manager.state.layout import state_root
from worker_manager.state.workers import reminders

#: A session that was interrupted at its terminal so many seconds ago.
IDLE_SECONDS = 1000


@pytest.fixture
def idle(fleet: Fleet, repository: Path) -> Iterator[Worker]:
    since = time.time() - IDLE_SECONDS
    moment = datetime.fromtimestamp(since, UTC).isoformat(timespec="milliseconds")
    worker = recorded_worker(fleet, repository, status=Status.RUNNING, changed_at=moment)
    with subprocess.Popen(["sleep", "1000"]) as session:
        sessions.link_process(state_root(), session.pid, fleet.records.home(worker.id))
        said = {"sessionId": "s", "status": "idle", "statusUpdatedAt": since * 1000}
        file = Path(os.environ["HOME"], ".claude", "sessions", f"{session.pid}.json")
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(said), "utf-8")
        yield worker
        session.kill()


def told(fleet: Fleet, worker: Worker, seconds: float) -> list[tuple[str, str]]:
    notify_idle(state_root(), fleet.records, [fleet.worker(worker.id)], seconds)
    return take_news(fleet)


def test_one_that_was_nudged_is_told_of_again_only_when_it_does_not_wake(
    fleet: Fleet, idle: Worker
) -> None:
    home = fleet.records.home(idle.id)
    assert told(fleet, idle, 60) == [("stalled", idle.id)]
    for _ in range(reminders.TIMES + 1):  # its Stop hook has told of it, too
        reminders.add(home)

    fleet.nudge(idle.id, "Go on.")

    assert fleet.worker(idle.id).changed_at > idle.changed_at
    assert not reminders.was_told_of(home)
    assert told(fleet, idle, 60) == []
    time.sleep(0.2)
    assert told(fleet, idle, 0.1) == [("stalled", idle.id)]
    assert told(fleet, idle, 0.1) == []


def test_one_that_works_needs_no_write_for_a_nudge(fleet: Fleet, repository: Path) -> None:
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    writes = fleet.records.writes

    fleet.nudge(worker.id, "Mind the gap.")

    assert fleet.records.writes == writes
