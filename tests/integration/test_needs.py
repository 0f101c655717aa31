"""What a worker waits for."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.workers import recorded_worker
from worker_manager import needs
from worker_manager.models import Status
from worker_manager.state import sessions
from worker_manager.state.layout import state_root


@pytest.mark.parametrize(("idle_seconds", "wants"), [(5, True), (3600, False)])
def test_an_idle_worker_wants_words_after_the_time_that_is_set(
    repository: Path, tmux_socket: str, idle_seconds: int, wants: bool
) -> None:
    fleet = make_fleet(repository, tmux_socket, idle_seconds=idle_seconds)
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    sessions.link_process(state_root(), os.getpid(), fleet.records.home(worker.id))
    file = Path(os.environ["HOME"], ".claude", "sessions", f"{os.getpid()}.json")
    file.parent.mkdir(parents=True)
    since = (time.time() - 300) * 1000
    file.write_text(json.dumps({"status": "idle", "statusUpdatedAt": since}), "utf-8")

    need = needs.of(fleet, worker)

    assert (need is not None and need.kind is needs.Kind.WORDS) is wants
