"""Records and the world: what somebody removed, and what becomes of it."""

import os
import shutil
import signal
from pathlib import Path

import anyio
import pytest

from tests.conftest import end_tmux, git
from tests.faults import actions
from tests.faults.injection import forks
from tests.support.scripted.rehearsed import session
from tests.support.scripted.workers import HANG, recorded_worker
from tests.support.waiting import WAIT_SECONDS
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.clean import CleanOptions
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.presence import fail_vanished
from worker_manager.crew.supervision import reconcile
from worker_manager.domain.worker import Status
from worker_manager.runtimes.tmux.runtime import Tmux
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import now


@pytest.mark.promise("reconcile-missing")
def test_a_removed_worktree_and_branch_are_named_once(fleet: Fleet, repository: Path) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    git(repository, "worktree", "remove", "--force", worker.path)
    git(repository, "branch", "-D", worker.branch)

    listed = [fleet.workers()[0].missing for _ in range(2)]

    assert listed == ["worktree and branch"] * 2
    journal_text = Path(fleet.records.home(worker.id), "journal.jsonl").read_text("utf-8")
    assert journal_text.count('"missing": "worktree and branch"') == 1


@pytest.mark.promise("reconcile-missing")
def test_of_thousands_that_are_gone_some_are_named_at_each_look(
    fleet: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "NOTED_AT_ONCE", 3)
    for _ in range(7):
        recorded_worker(
            fleet,
            repository,
            branch="worker/gone",
            starter="",
            launched=True,
            status=Status.STOPPED,
        )

    counts = [sum(bool(one.missing) for one in fleet.workers()) for _ in range(4)]

    assert counts == [3, 6, 7, 7]


@pytest.mark.promise("reconcile-missing")
def test_of_a_worker_that_was_cleaned_nothing_is_missing(fleet: Fleet, repository: Path) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    fleet.stop(worker.id)
    shutil.rmtree(worker.path)
    assert fleet.workers()[0].missing == "worktree"

    (cleaned,) = fleet.clean(CleanOptions((worker.id,), force=True))

    assert fleet.worker(worker.id).cleaned, cleaned
    assert fleet.workers()[0].missing == ""


@pytest.mark.promise("reconcile-unknown")
def test_a_repository_that_git_cannot_read_makes_no_branch_missing(
    fleet: Fleet, repository: Path
) -> None:
    fleet.start(StartRequest("t", HANG))
    (repository / ".git" / "HEAD").rename(repository / ".git" / "HEAD.away")

    assert fleet.workers()[0].missing == ""


def test_a_worker_that_is_restored_while_tmux_is_asked_has_not_failed(
    fleet: Fleet, tmux_socket: str
) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    os.kill(int(worker_process(fleet, worker.id)), signal.SIGKILL)
    end_tmux(tmux_socket)

    def restore() -> None:
        fleet.records.update(
            worker.id, lambda one: one.restore(one.starter, at=now(), waits_for="")
        )

    fail_vanished(fleet.records, [worker], Tmux(tmux_socket), restore)

    assert fleet.worker(worker.id).status is Status.STARTING


@pytest.mark.promise("report-end")
def test_many_processes_that_find_dead_workers_tell_of_each_once(
    fleet: Fleet, tmux_socket: str
) -> None:
    dead = [fleet.start(StartRequest("t", HANG)).worker for _ in range(3)]
    for worker in dead:
        os.kill(int(worker_process(fleet, worker.id)), signal.SIGKILL)
    end_tmux(tmux_socket)
    barrier = forks.Barrier(8)
    arguments = (barrier, state_root(), fleet.home, tmux_socket)
    finders = [forks.Process(target=actions.reconcile_all, args=arguments) for _ in range(8)]
    for finder in finders:
        finder.start()
    for finder in finders:
        finder.join()

    claim = Mailbox(mailbox_path(fleet.home)).claim()

    assert [finder.exitcode for finder in finders] == [0] * 8
    assert claim is not None
    assert sorted(message.sender for message in claim.messages) == sorted(one.id for one in dead)


def worker_process(fleet: Fleet, worker_id: str) -> str:
    return fleet.records.load(worker_id).process.partition("-")[0]


@pytest.mark.promise("reconcile-damaged")
@pytest.mark.anyio
async def test_damaged_records_are_named(repository: Path, tmux_socket: str) -> None:
    async with session(repository, tmux_socket) as boss:
        started = await boss.call_tool("start_worker", title="t", task=HANG)
        (home,) = Path(state_root()).glob(f"*/workers/{started.structured['id']}")
        (home / "worker.json").write_text("{", "utf-8")
        listed = await boss.call_tool("list_workers")

    assert "Damaged, can't be read" in listed.text
    assert Path(listed.structured["damaged"][0]).read_text("utf-8") == "{"


@pytest.mark.promise("disk-deleted")
@pytest.mark.anyio
async def test_a_deleted_state_directory_is_made_anew(repository: Path, tmux_socket: str) -> None:
    async with session(repository, tmux_socket) as boss:
        while Path(state_root()).exists():  # the server's start may still write there
            shutil.rmtree(state_root(), ignore_errors=True)
        crash = '```steps\n[{"crash": 3}]\n```'
        started = await boss.call_tool("start_worker", title="t", task=crash)
        told = await boss.wait_for_mail(WAIT_SECONDS)

    assert not started.is_error
    assert told
    assert started.structured["id"] in told


@pytest.mark.promise("disk-deleted")
@pytest.mark.anyio
async def test_a_worker_whose_record_is_gone_is_told_what_to_do(
    repository: Path, tmux_socket: str
) -> None:
    gone = "rm -r $WORKER_MANAGER_STATE_DIR/*/workers/$WORKER_MANAGER_WORKER_ID"
    task = f'```steps\n[{{"run": "{gone}"}}, {{"complete": "DONE"}}, {{"hang": true}}]\n```'
    async with session(repository, tmux_socket) as boss:
        started = await boss.call_tool("start_worker", title="t", task=task)
        terminal = Tmux(tmux_socket)
        handle = terminal.handle_for(started.structured["name"])
        with anyio.fail_after(WAIT_SECONDS):
            while "Commityourwork,sayso" not in "".join(terminal.screen(handle).split()):
                await anyio.sleep(0.1)
