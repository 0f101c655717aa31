"""Starts that wait: for room, and for the end of a usage limit."""

import threading
import time
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet, make_repository
from tests.support.scripted.workers import HANG, letters_to, running_worker, take_news
from tests.support.waiting import wait_until
from worker_manager.config import Settings
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle import capacity
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.supervision import limits
from worker_manager.domain import message
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, InvalidSetting
from worker_manager.runtimes.tmux.runtime import Tmux
from worker_manager.state import usage_limit
from worker_manager.state.layout import state_root
from worker_manager.state.workers.records import Records

DONE = '```steps\n[{"complete": "done"}]\n```'
AT_WORK = '```steps\n[{"say": "AT-WORK"}, {"hang": true}]\n```'


@pytest.fixture
def narrow(repository: Path, tmux_socket: str) -> Fleet:
    """A fleet that runs one worker at a time."""
    return make_fleet(repository, tmux_socket, max_workers=1)


def start(fleet: Fleet, task: str = HANG) -> Worker:
    return fleet.start(StartRequest("t", task)).worker


def stands(fleet: Fleet, worker: Worker) -> Status:
    return fleet.worker(worker.id).status


@pytest.mark.promise("queue-order")
def test_the_workers_that_find_no_room_start_in_their_order(
    narrow: Fleet, repository: Path
) -> None:
    first, second, third = start(narrow), start(narrow, DONE), start(narrow, DONE)
    assert [one.status for one in (first, second, third)] == ["starting", "queued", "queued"]
    assert (second.reason, third.reason) == ("max_workers is 1", "max_workers is 1")
    assert narrow.place_in_queue(narrow.worker(third.id)) == "2 of 2"
    narrow.supervisor.supervise_once()
    assert stands(narrow, second) is Status.QUEUED

    git(repository, "commit", "-qm", "later", "--allow-empty")
    narrow.stop(first.id)
    narrow.supervisor.supervise_once()

    assert stands(narrow, third) is Status.QUEUED
    wait_until(lambda: stands(narrow, second) is Status.COMPLETED)
    assert narrow.worker(second.id).base_sha == git(repository, "rev-parse", "HEAD")
    narrow.supervisor.supervise_once()
    wait_until(lambda: stands(narrow, third) is Status.COMPLETED)
    assert [kind for kind, _ in take_news(narrow)] == ["completion", "completion"]


def test_a_queued_worker_is_no_dead_one(narrow: Fleet) -> None:
    start(narrow)
    queued = start(narrow)

    narrow.reconcile()
    narrow.supervisor.supervise_once()

    after = narrow.worker(queued.id)
    assert (after.status, after.missing) == (Status.QUEUED, "")
    assert take_news(narrow) == []


@pytest.mark.promise("queue-once")
def test_several_that_look_start_a_queued_worker_once(narrow: Fleet) -> None:
    first = start(narrow)
    queued = start(narrow, DONE)
    narrow.stop(first.id)

    looks = [threading.Thread(target=narrow.supervisor.supervise_once) for _ in range(6)]
    for look in looks:
        look.start()
    for look in looks:
        look.join()

    wait_until(lambda: stands(narrow, queued) is Status.COMPLETED)
    assert [kind for kind, _ in take_news(narrow)] == ["completion"]


def test_a_stopped_one_leaves_the_queue(narrow: Fleet, repository: Path) -> None:
    first = start(narrow)
    queued = start(narrow)

    stopped = narrow.ask_to_stop(queued.id)
    narrow.stop(first.id)
    narrow.supervisor.supervise_once()

    assert (stopped.status, stands(narrow, queued)) == (Status.STOPPED, Status.STOPPED)
    assert queued.branch not in git(repository, "branch", "--all")


@pytest.mark.promise("queue-order")
def test_a_session_restored_waits_as_well_and_goes_on(narrow: Fleet) -> None:
    first = start(narrow)
    narrow.stop(first.id)
    second = running_worker(narrow)

    waiting = narrow.restore(first.id)

    assert (waiting.status, waiting.reason) == (Status.QUEUED, "max_workers is 1")
    with pytest.raises(InvalidInput, match="is queued"):
        narrow.restore(first.id)
    narrow.stop(second.id)
    narrow.supervisor.supervise_once()
    wait_until(lambda: stands(narrow, first) is Status.RUNNING)


def test_two_that_restore_a_worker_at_once_start_one_session(fleet: Fleet) -> None:
    worker = running_worker(fleet)
    fleet.stop(worker.id)
    refused = []

    def restore() -> None:
        try:
            fleet.restore(worker.id)
        except InvalidInput as error:
            refused.append(str(error))

    both = [threading.Thread(target=restore) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert len(refused) == 1
    wait_until(lambda: stands(fleet, worker) is Status.RUNNING)


@pytest.mark.promise("queue-once")
def test_a_queued_one_that_can_not_be_started_has_failed(narrow: Fleet, repository: Path) -> None:
    first = start(narrow)
    queued = start(narrow)
    Path(queued.path).mkdir()
    Path(queued.path, "in the way").touch()
    narrow.stop(first.id)

    narrow.supervisor.supervise_once()

    failed = narrow.worker(queued.id)
    assert take_news(narrow) == [(message.FAILED, queued.id)]
    assert failed.status is Status.FAILED
    assert "could not be started" in failed.reason
    assert "already exists" in failed.reason
    assert queued.branch not in git(repository, "branch", "--all")


def test_workers_of_other_repositories_take_room_too(
    narrow: Fleet, tmp_path: Path, tmux_socket: str
) -> None:
    start(narrow)
    other = make_fleet(make_repository(tmp_path / "other"), tmux_socket, "two", max_workers=1)

    assert start(other).status is Status.QUEUED


def test_measured_a_first_worker_always_has_room(tmux_socket: str) -> None:
    Path(state_root()).mkdir(parents=True, exist_ok=True)

    machine = capacity.Machine(state_root(), Tmux(tmux_socket))

    assert machine.blocking_reason(Settings().max_workers, Records(f"{state_root()}/none")) == ""


@pytest.mark.promise("limit-queue")
def test_while_a_usage_limit_lasts_starts_wait(fleet: Fleet) -> None:
    worker = start(fleet, AT_WORK)
    # It runs from its start on; the hook of its first prompt, which ends a block, comes after that.
    wait_until(lambda: "AT-WORK" in fleet.screen(worker))
    until = time.strftime("%H:%M", time.localtime(time.time() + 7200))

    limits.turn_failed(state_root(), fleet.records, worker.id, "rate_limit", f"resets {until}")
    queued = start(fleet, DONE)

    assert queued.status is Status.QUEUED
    assert queued.reason.startswith("the usage limit is reached until")
    assert queued.reason.endswith(until)
    fleet.supervisor.supervise_once()
    assert stands(fleet, queued) is Status.QUEUED
    assert letters_to(fleet, worker) == []

    usage_limit.note(state_root(), worker.id, time.time() - 1)
    fleet.supervisor.supervise_once()
    fleet.supervisor.supervise_once()
    wait_until(lambda: stands(fleet, queued) is Status.COMPLETED)
    wait_until(lambda: letters_to(fleet, worker) == ["nudge"])


@pytest.mark.promise("limit-queue")
def test_only_who_met_a_limit_knows_that_it_is_over(fleet: Fleet) -> None:
    root = state_root()
    usage_limit.note(root, "aaaaaaaa", time.time() + 100)

    usage_limit.lift(root, "bbbbbbbb")
    assert usage_limit.until(root)

    usage_limit.lift(root, "aaaaaaaa")
    assert usage_limit.until(root) is None


def test_another_error_of_the_api_holds_nothing_back(fleet: Fleet) -> None:
    worker = running_worker(fleet)

    limits.turn_failed(state_root(), fleet.records, worker.id, "server_error", "resets 5pm")

    assert start(fleet).status is Status.STARTING
    fleet.supervisor.supervise_once()
    assert letters_to(fleet, worker) == []


def test_a_look_that_fails_keeps_nothing_else_from_being_done(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text("no prices", "utf-8")
    fleet = make_fleet(repository, tmux_socket, max_workers=1, prices=str(prices))
    first = fleet.start(StartRequest("t", HANG, budget_tokens=10)).worker
    queued = start(fleet, DONE)
    fleet.stop(first.id)

    with pytest.raises(InvalidSetting, match="prices"):
        fleet.supervisor.supervise_once()

    wait_until(lambda: stands(fleet, queued) is Status.COMPLETED)


@pytest.mark.promise("limit-apart")
def test_the_usage_limit_of_one_agent_parks_only_its_own_workers(fleet: Fleet) -> None:
    root = state_root()
    usage_limit.note(root, "aaaaaaaa", time.time() + 100, "codex")
    machine = capacity.Machine(root, fleet.context.runtime)
    assert machine.limit_reason("codex").startswith("the usage limit is reached until")
    assert (machine.limit_reason("claude"), machine.limit_reason("scripted")) == ("", "")

    usage_limit.lift(root, "aaaaaaaa")  # another account's worker of that id
    assert machine.limit_reason("codex")
    usage_limit.lift(root, "aaaaaaaa", "codex")
    assert machine.limit_reason("codex") == ""
