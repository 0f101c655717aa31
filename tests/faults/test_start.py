"""A start that is killed, or refused, at any step: nothing runs, lies or waits unaccounted for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import make_fleet, make_repository
from tests.faults import actions
from tests.faults.injection import ERRORS, KILL, Outcome, forks, run
from tests.faults.world import unaccounted
from tests.support.scripted.workers import HANG
from tests.support.waiting import WAIT_SECONDS, wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status
from worker_manager.state.layout import state_root

#: `python -m tests.stress faults` takes every step.
EVERY = int(os.environ.get("WORKER_MANAGER_TEST_EVERY", "6"))
LAST_STEP = 400


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo")


def attempt(fleet: Fleet, project: Path, socket: str, fault: int, at: int) -> Outcome:
    root = state_root()
    return run(actions.start, root, fleet.home, str(project), socket, root=root, fault=fault, at=at)


@pytest.mark.promise("start-whole")
@pytest.mark.timeout(600)
def test_a_start_that_is_killed_at_any_step_is_accounted_for(
    project: Path, tmux_socket: str
) -> None:
    fleet = make_fleet(project, tmux_socket)
    for at in range(1, LAST_STEP, EVERY):
        outcome = attempt(fleet, project, tmux_socket, KILL, at)
        # Its terminal sees in a moment that nobody will write what it waits for.
        wait_until(lambda: not unaccounted(fleet, project, tmux_socket))
        if not outcome.killed:
            assert not fleet.worker(outcome.result).finished
            break
    else:
        pytest.fail("a start has more steps than that")


@pytest.mark.promise("start-whole")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", ERRORS)
def test_a_start_that_the_disk_refuses_at_any_step_leaves_nothing(
    project: Path, tmux_socket: str, fault: int
) -> None:
    fleet = make_fleet(project, tmux_socket)
    for at in range(1 + fault % EVERY, LAST_STEP, EVERY):
        known = {one.id for one in fleet.workers()}
        outcome = attempt(fleet, project, tmux_socket, fault, at)
        assert unaccounted(fleet, project, tmux_socket) == []
        if outcome.error:
            assert "OSError" not in outcome.error
            assert {one.id for one in fleet.workers()} == known
            assert not list(Path(state_root()).glob("*/workers/.new-*"))
        if outcome.steps < at:
            break


@pytest.mark.promise("start-key")
@pytest.mark.timeout(600)
def test_a_start_with_a_key_that_is_killed_at_any_step_is_begun_again_as_one_worker(
    project: Path, tmux_socket: str
) -> None:
    fleet = make_fleet(project, tmux_socket)
    root = state_root()
    for at in range(1, LAST_STEP, EVERY):
        key = f"step {at}"
        given = (root, fleet.home, str(project), tmux_socket, key)
        outcome = run(actions.start_with, *given, root=root, fault=KILL, at=at)
        again = fleet.start(StartRequest("t", HANG, key=key)).worker

        wait_until(lambda one=again.id: fleet.look_at(one).status is Status.RUNNING)
        assert [one.key for one in fleet.workers()].count(key) == 1
        strange = unaccounted(fleet, project, tmux_socket)
        assert [one for one in strange if not one.endswith("stopped by its orchestrator")] == []
        assert list(Path(again.path).iterdir())  # the files of its commit are there
        fleet.stop(again.id)
        if not outcome.killed:
            assert outcome.result == again.id
            break
    else:
        pytest.fail("a start has more steps than that")


@pytest.mark.promise("start-key")
@pytest.mark.timeout(600)
def test_several_that_start_with_one_key_at_once_start_one_worker(
    project: Path, tmux_socket: str
) -> None:
    fleet = make_fleet(project, tmux_socket)
    for number in range(3):
        barrier, answers = forks.Barrier(3), forks.Queue()
        given = (state_root(), fleet.home, str(project), tmux_socket, f"key {number}")
        several = [
            forks.Process(target=actions.start_with_at, args=(barrier, answers, *given))
            for _ in range(3)
        ]
        for one in several:
            one.start()
        ids = {answers.get(timeout=WAIT_SECONDS) for _ in several}
        for one in several:
            one.join()

        (worker_id,) = ids
        wait_until(lambda one=worker_id: fleet.look_at(one).status is Status.RUNNING)
        assert len(fleet.workers()) == number + 1
        assert unaccounted(fleet, project, tmux_socket) == []
