"""Stopping and restoring: asked first, saved before, brought back after."""

import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet
from tests.support.scripted.bench import add_worker
from tests.support.scripted.workers import HANG, letters_to, running_worker, take_news
from tests.support.terminals.tmux import hanging
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle import stop
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.lifecycle.stop import AGAIN_SECONDS
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput


def seconds_between(one: str, other: str) -> float:
    return (datetime.fromisoformat(other) - datetime.fromisoformat(one)).total_seconds()


@pytest.fixture
def hasty(repository: Path, tmux_socket: str) -> Fleet:
    """A fleet that gives a worker no time between being asked to stop and its end."""
    return make_fleet(repository, tmux_socket, stop_grace_seconds=0, close_after_seconds=0)


def make_dirty(worker: Worker) -> None:
    Path(worker.path, "README").write_text("changed", "utf-8")
    Path(worker.path, "new file").write_text("new", "utf-8")


@pytest.mark.promise("stop-saved")
def test_what_no_commit_holds_is_saved_before_the_end(fleet: Fleet, repository: Path) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    make_dirty(worker)
    before = git(Path(worker.path), "status", "--porcelain")

    stopped = fleet.stop(worker.id)

    assert stopped.saved.startswith(f"refs/worker-manager/{worker.id}/")
    assert git(repository, "show", f"{stopped.saved}:new file") == "new"
    assert git(repository, "show", f"{stopped.saved}:README") == "changed"
    assert git(Path(worker.path), "status", "--porcelain") == before


def test_nothing_is_saved_of_a_clean_worktree(fleet: Fleet, repository: Path) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker

    assert fleet.stop(worker.id).saved == ""
    assert git(repository, "for-each-ref", "refs/worker-manager/") == ""


@pytest.mark.promise("stop-asked")
def test_a_worker_is_asked_first_and_ended_when_its_time_is_over(hasty: Fleet) -> None:
    worker = running_worker(hasty)

    asked = hasty.ask_to_stop(worker.id)

    assert (asked.status, letters_to(hasty, worker)) == (Status.RUNNING, ["shutdown"])
    hasty.supervisor.supervise_once()
    ended = hasty.worker(worker.id)
    assert (ended.status, ended.stop_due) == (Status.STOPPED, "")


@pytest.mark.promise("stop-asked")
def test_a_stop_that_tmux_does_not_carry_out_is_tried_again_later(
    hasty: Fleet, tmux_socket: str
) -> None:
    worker = running_worker(hasty)
    due = hasty.ask_to_stop(worker.id).stop_due

    with hanging(tmux_socket):
        hasty.supervisor.supervise_once()

    later = hasty.records.load(worker.id)
    assert (later.status, later.stop_requested) == (Status.RUNNING, True)
    assert seconds_between(due, later.stop_due) > AGAIN_SECONDS / 2


@pytest.mark.promise("stop-asked")
def test_a_worker_that_refuses_goes_on(hasty: Fleet) -> None:
    worker = running_worker(hasty)
    hasty.ask_to_stop(worker.id)

    reports.ask(hasty.records, worker.id, "I am in the middle of a migration. Go on?")
    hasty.supervisor.supervise_once()

    assert hasty.worker(worker.id).status is Status.ASKING
    assert take_news(hasty) == [("question", worker.id)]


@pytest.mark.promise("stop-asked")
def test_a_worker_that_completes_when_asked_has_completed(hasty: Fleet) -> None:
    worker = running_worker(hasty)
    hasty.ask_to_stop(worker.id)

    reports.complete(hasty.records, worker.id, "half of it")
    hasty.supervisor.supervise_once()

    assert hasty.worker(worker.id).status is Status.COMPLETED
    assert take_news(hasty) == [("completion", worker.id)]


def test_who_cannot_be_asked_is_ended_at_once(fleet: Fleet) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker

    assert fleet.ask_to_stop(worker.id).status is Status.STOPPED


@pytest.mark.promise("stop-restored")
def test_a_stopped_worker_goes_on_where_it_was(fleet: Fleet, repository: Path) -> None:
    worker = running_worker(fleet)
    fleet.stop(worker.id)
    git(repository, "worktree", "remove", worker.path)  # other tests leave it there

    restored = fleet.restore(worker.id, "Once more.")

    assert (restored.status, restored.path) == (Status.STARTING, worker.path)
    wait_until(lambda: fleet.worker(worker.id).status is not Status.STARTING)
    # Without steps in what it is told the scripted agent completes.
    wait_until(lambda: fleet.worker(worker.id).status is Status.COMPLETED)
    assert git(Path(worker.path), "symbolic-ref", "--short", "HEAD") == worker.branch


def test_a_worker_with_a_session_is_not_restored(fleet: Fleet) -> None:
    worker = running_worker(fleet)

    with pytest.raises(InvalidInput, match="Speak to it with nudge"):
        fleet.restore(worker.id)

    assert fleet.worker(worker.id) == worker


@pytest.mark.promise("stop-closed")
def test_a_completed_worker_is_closed_after_a_while_and_can_be_restored(hasty: Fleet) -> None:
    worker = running_worker(hasty)
    reports.complete(hasty.records, worker.id, "done")

    hasty.supervisor.supervise_once()

    closed = hasty.worker(worker.id)
    assert (closed.status, closed.closed) == (Status.COMPLETED, True)
    with pytest.raises(InvalidInput, match="restore goes on"):
        hasty.nudge(worker.id, "and now?")
    hasty.restore(worker.id)
    assert not hasty.worker(worker.id).closed


@pytest.mark.promise("stop-restored")
def test_a_late_end_of_the_session_before_is_not_the_end_of_the_restored_one(
    fleet: Fleet,
) -> None:
    worker = running_worker(fleet)
    pid = worker.process.partition("-")[0]
    fleet.stop(worker.id)
    fleet.restore(worker.id)
    command = [sys.executable, "-I", "-m", "worker_manager", "--exited", worker.id, pid, "0"]

    subprocess.run(command, check=False)

    assert fleet.worker(worker.id).status is not Status.FAILED
    assert take_news(fleet) in ([], [("completion", worker.id)])


def test_an_end_that_was_looked_at_before_a_restore_ends_nothing_after_it(fleet: Fleet) -> None:
    worker = running_worker(fleet)
    pid = worker.process.partition("-")[0]
    fleet.stop(worker.id)
    fleet.restore(worker.id)

    reports.ended(
        fleet.records,
        worker.id,
        exit_code=0,
        screen="",
        is_meant=lambda current: current.is_run_by(pid),
    )

    assert fleet.worker(worker.id).status is not Status.FAILED


@pytest.mark.promise("disk-refused")
def test_a_stop_that_finds_no_place_for_its_temporary_files_ends_the_session_all_the_same(
    fleet: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = add_worker(fleet, repository, {"a": "1\n"}, status=Status.RUNNING)
    make_dirty(worker)
    monkeypatch.setattr(tempfile, "tempdir", str(repository / "no such place"))

    after = stop.end(fleet.context, worker.id)

    assert after.status is Status.STOPPED
    assert not after.saved
    journal = Path(fleet.records.home(worker.id), "journal.jsonl").read_text("utf-8")
    assert "not saved" in journal
    assert Path(worker.path, "new file").read_text("utf-8") == "new"
