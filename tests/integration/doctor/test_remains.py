"""Workers whose session is gone, and what earlier ones have left."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.doctor.conftest import OK, WARNING, only
from tests.support.scripted.bench import add_worker
from tests.support.scripted.workers import recorded_worker, take_news
from worker_manager.crew.fleet import Fleet
from worker_manager.doctor import leftovers
from worker_manager.doctor.examination import repair
from worker_manager.doctor.findings import Place
from worker_manager.domain.worker import Status
from worker_manager.state import process_identity, sessions
from worker_manager.worktrees.removal import GOING


def test_a_worker_whose_session_is_gone_is_an_orphan(here: Place, fleet: Fleet) -> None:
    worker = recorded_worker(fleet, here.directory)

    found = only(leftovers.workers(here))

    assert found.verdict is WARNING
    assert worker.id in found.says
    assert f"worker-manager adopt {worker.id}" in found.repair


def test_a_worker_that_ended_unseen_is_noted_and_told(here: Place, fleet: Fleet) -> None:
    sessions.link_process(here.root, os.getpid(), fleet.home)
    ended = subprocess.Popen(["true"])
    ended.wait()
    worker = recorded_worker(fleet, here.directory, starter="", process=f"{ended.pid}-1")

    found = only(leftovers.workers(here))
    repair([found])

    assert worker.id in found.says
    assert fleet.worker(worker.id).status is Status.FAILED
    assert take_news(fleet) == [("failed", worker.id)]
    assert only(leftovers.workers(here)).verdict is OK


def test_a_worker_that_lives_without_a_terminal_is_left_alone(here: Place, fleet: Fleet) -> None:
    sessions.link_process(here.root, os.getpid(), fleet.home)
    own = process_identity.identity(os.getpid())
    recorded_worker(fleet, here.directory, starter="", process=own)

    assert only(leftovers.workers(here)).verdict is OK


@pytest.mark.promise("doctor-safe")
def test_a_worktree_without_a_record_is_named_and_stays(here: Place, fleet: Fleet) -> None:
    worker = add_worker(fleet, Path(here.directory), {"a": "1"})
    assert only(leftovers.leftovers(here)).verdict is OK
    shutil.rmtree(fleet.records.home(worker.id))

    found = only(leftovers.leftovers(here))

    assert (found.verdict, found.fix) == (WARNING, None)
    assert worker.path in found.says


def test_a_persons_own_worktree_is_none_of_our_business(here: Place) -> None:
    command = ["git", "worktree", "add", "-q", "-b", "mine", "../mine"]
    subprocess.run(command, cwd=here.directory, check=True)

    assert only(leftovers.leftovers(here)).verdict is OK


def test_a_half_removed_worktree_is_named(here: Place, fleet: Fleet) -> None:
    worker = add_worker(fleet, Path(here.directory))
    os.mkdir(worker.path + GOING)

    assert worker.id in only(leftovers.leftovers(here)).repair


def test_drafts_of_killed_starts_are_removed_when_they_are_old(here: Place, fleet: Fleet) -> None:
    folder = Path(fleet.records.repository, "workers")
    for name, age in ((".new-old", 2 * 86_400), (".new-young", 0)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (time.time() - age,) * 2)

    repair([only(leftovers.leftovers(here))])

    assert [one.name for one in folder.iterdir()] == [".new-young"]
