"""What a worker waits for."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.scripted.workers import recorded_worker, take_news
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.domain import message
from worker_manager.domain.worker import Status, Worker
from worker_manager.state import process_identity, sessions
from worker_manager.state.layout import state_root
from worker_manager.views import needs


def be_idle(fleet: Fleet, worker: Worker) -> None:
    """Its session has been idle for five minutes."""
    sessions.link_process(state_root(), os.getpid(), fleet.records.home(worker.id))
    file = Path(os.environ["HOME"], ".claude", "sessions", f"{os.getpid()}.json")
    file.parent.mkdir(parents=True)
    since = (time.time() - 300) * 1000
    file.write_text(json.dumps({"status": "idle", "statusUpdatedAt": since}), "utf-8")


@pytest.mark.parametrize(("idle_seconds", "wants"), [(5, True), (3600, False)])
def test_an_idle_worker_wants_words_after_the_time_that_is_set(
    repository: Path, tmux_socket: str, idle_seconds: int, wants: bool
) -> None:
    fleet = make_fleet(repository, tmux_socket, idle_seconds=idle_seconds)
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    be_idle(fleet, worker)

    need = needs.of(fleet, worker)

    assert (need is not None and need.kind is needs.Kind.WORDS) is wants


def test_a_worker_that_was_idle_before_it_was_nudged_has_not_stood_still(
    repository: Path, tmux_socket: str
) -> None:
    fleet = make_fleet(repository, tmux_socket, idle_seconds=250)
    worker = recorded_worker(
        fleet,
        repository,
        status=Status.COMPLETED,
        process=process_identity.identity(os.getpid()),
        launched=True,
    )
    be_idle(fleet, worker)

    fleet.nudge(worker.id, "One thing more.")  # its session will wake in a moment
    fleet.supervisor.supervise_once()

    nudged = fleet.worker(worker.id)
    assert nudged.status is Status.RUNNING
    assert take_news(fleet) == []
    assert needs.of(fleet, nudged) is None
    assert nudged.effective_status(fleet.activity(nudged), at=time.time())[1] == ""

    def told() -> list[tuple[str, str]]:
        hasty.supervisor.supervise_once()
        return take_news(hasty)

    hasty = make_fleet(repository, tmux_socket, idle_seconds=1)
    assert wait_until(told) == [(message.STALLED, worker.id)]
    assert told() == []
