"""What is said of a thing that was done agrees with how it stands afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.scripted.bench import add_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.messaging import wake
from worker_manager.domain.worker import Status
from worker_manager.text import rendering
from worker_manager.views import announcements


def test_work_is_said_to_stay_where_there_is_some(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, status=Status.STOPPED)
    before = announcements.stopped(worker, rendering.for_models)

    shutil.rmtree(worker.path)

    assert f"Its work stays in {worker.path}." in before
    assert f"{worker.path} is no worktree of it any more" in announcements.stopped(
        worker, rendering.for_models
    )


def test_a_nudge_tells_how_the_worker_stands_by_now(fleet: Fleet, repository: Path) -> None:
    before = add_worker(fleet, repository, status=Status.COMPLETED)
    fleet.records.update(before.id, lambda worker: worker.resume(at="2026-01-01T00:00:00Z"))

    said = announcements.nudged(fleet, before, wake.WakeResult(wake.DELIVERED), is_answer=False)

    assert fleet.worker(before.id).status is Status.RUNNING
    assert f"{before.name} (running" in said


def test_no_letter_says_what_nobody_has_looked_at() -> None:
    said = [*rendering._REMARKS.values(), *map("".join, rendering._NEXT_STEPS.values())]
    assert "worktree" not in "".join(said)
