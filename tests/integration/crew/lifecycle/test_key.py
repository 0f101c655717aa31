"""Starts with a key of the caller's: the same start again is the same worker."""

import hashlib
import shutil
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet, make_repository
from tests.faults.world import unaccounted
from tests.support.scripted.workers import HANG, running_worker
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import Started, StartRequest
from worker_manager.domain.worker import Status
from worker_manager.errors import InvalidInput, StateCorrupt, WorktreeRefused
from worker_manager.state import process_identity

DONE = '```steps\n[{"complete": "done"}]\n```'
KEY = "run 7, step build, attempt 1"


def start(fleet: Fleet, task: str = HANG, **more: object) -> Started:
    return fleet.start(StartRequest(**{"title": "t", "task": task, "key": KEY, **more}))  # type: ignore[arg-type]


def digits(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


@pytest.mark.promise("start-key")
def test_the_same_start_again_is_the_same_worker(
    fleet: Fleet, repository: Path, tmux_socket: str
) -> None:
    first = start(fleet, checks=["true"]).worker
    again = start(fleet, checks=("true",)).worker  # while it starts, or just after

    assert first.id == again.id == digits(KEY)
    wait_until(lambda: fleet.look_at(first.id).status is Status.RUNNING)
    third = start(fleet, checks=["true"])
    assert (third.worker.id, third.place) == (first.id, None)
    assert [one.id for one in fleet.workers()] == [first.id]
    assert unaccounted(fleet, repository, tmux_socket) == []


@pytest.mark.promise("start-key")
@pytest.mark.parametrize("end", ["completed", "stopped", "failed"])
def test_one_that_has_finished_is_given_back(fleet: Fleet, end: str) -> None:
    task = {"completed": DONE, "failed": '```steps\n[{"exit": 3}]\n```'}.get(end, HANG)
    worker = start(fleet, task).worker
    if end == "stopped":
        wait_until(lambda: fleet.look_at(worker.id).status is Status.RUNNING)
        fleet.stop(worker.id)
    wait_until(lambda: fleet.look_at(worker.id).finished)
    before = fleet.worker(worker.id)

    again = start(fleet, task).worker

    assert (again.id, again.status, again.changed_at) == (
        worker.id,
        before.status,
        before.changed_at,
    )
    assert len(fleet.workers()) == 1


@pytest.mark.promise("start-key")
@pytest.mark.parametrize(
    "other", [{"task": "else"}, {"title": "else"}, {"model": "opus"}, {"use_worktree": False}]
)
def test_a_key_with_other_arguments_is_refused(fleet: Fleet, other: dict[str, object]) -> None:
    worker = start(fleet).worker

    with pytest.raises(InvalidInput) as refused:
        start(fleet, **other)

    assert KEY in str(refused.value)
    assert worker.id in str(refused.value)
    assert "another key" in str(refused.value)


@pytest.mark.promise("start-key")
def test_another_key_with_the_same_id_is_refused(fleet: Fleet) -> None:
    seen: dict[str, str] = {}
    for key in map(str, count()):
        if digits(key) in seen:
            break
        seen[digits(key)] = key
    worker = start(fleet, key=key).worker

    with pytest.raises(InvalidInput, match=f"has the id of worker {worker.id}"):
        start(fleet, key=seen[worker.id])


@pytest.mark.promise("start-key")
def test_the_key_of_another_session_or_repository_is_refused(
    fleet: Fleet, repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    worker = running_worker(fleet)
    mine = start(fleet).worker

    with pytest.raises(InvalidInput, match="belongs to another session"):
        start(make_fleet(repository, tmux_socket, "session-2"))
    elsewhere = make_fleet(make_repository(tmp_path / "other"), tmux_socket, "session-3")
    with pytest.raises(InvalidInput, match="of another repository"):
        start(elsewhere)

    assert elsewhere.workers() == []
    wait_until(lambda: fleet.look_at(mine.id).status is Status.RUNNING)
    assert fleet.look_at(worker.id).status is Status.RUNNING


@pytest.mark.promise("start-key")
def test_one_that_waits_goes_on_waiting(repository: Path, tmux_socket: str) -> None:
    narrow = make_fleet(repository, tmux_socket, max_workers=1)
    first = running_worker(narrow)
    queued = start(narrow).worker

    again = start(narrow).worker

    assert (again.id, again.status) == (queued.id, Status.QUEUED)
    narrow.stop(first.id)
    narrow.supervisor.supervise_once()
    wait_until(lambda: narrow.look_at(queued.id).status is Status.RUNNING)
    assert start(narrow).worker.id == queued.id
    assert len(narrow.workers()) == 2


@pytest.mark.promise("start-key")
def test_a_start_that_was_refused_is_tried_again(fleet: Fleet, repository: Path) -> None:
    name = f"t-{digits(KEY)}"
    git(repository, "branch", f"worker/{name}")
    with pytest.raises(WorktreeRefused):
        start(fleet)
    assert fleet.workers() == []
    git(repository, "branch", "-D", f"worker/{name}")

    worker = start(fleet).worker

    wait_until(lambda: fleet.look_at(worker.id).status is Status.RUNNING)


@pytest.mark.promise("start-key")
def test_one_that_waited_and_could_not_be_started_is_tried_again(
    repository: Path, tmux_socket: str
) -> None:
    narrow = make_fleet(repository, tmux_socket, max_workers=1)
    first = running_worker(narrow)
    queued = start(narrow).worker
    Path(queued.path).mkdir()
    Path(queued.path, "in the way").touch()
    narrow.stop(first.id)
    narrow.supervisor.supervise_once()
    assert narrow.worker(queued.id).status is Status.FAILED
    with pytest.raises(WorktreeRefused):
        start(narrow)
    assert Path(queued.path, "in the way").exists()
    shutil.rmtree(queued.path)

    again = start(narrow).worker

    assert again.id == queued.id
    wait_until(lambda: narrow.look_at(queued.id).status is Status.RUNNING)


@pytest.mark.parametrize("key", [" ", "x" * 501, "\udc80"])
def test_a_key_that_is_no_text_is_refused(fleet: Fleet, key: str) -> None:
    with pytest.raises(InvalidInput, match="can't be used"):
        start(fleet, key=key)


def test_a_worker_whose_record_is_gone_is_not_started_over(fleet: Fleet) -> None:
    worker = start(fleet).worker
    Path(fleet.records.home(worker.id), "worker.json").unlink()

    with pytest.raises(StateCorrupt, match=worker.id):
        start(fleet)

    assert process_identity.surely_runs(worker.process)
