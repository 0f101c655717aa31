"""Whose worker it is: sessions keep apart, and what adopting moves."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet, make_repository
from tests.support.scripted.workers import recorded_worker, take_mail, take_news
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput, WorkerNotFound
from worker_manager.state import sessions
from worker_manager.state.layout import state_root
from worker_manager.state.locking import exclusive
from worker_manager.state.workers.records import now


def worker_of(fleet: Fleet) -> Worker:
    return recorded_worker(fleet, "/nowhere")


def letters(fleet: Fleet) -> list[tuple[str, str, str]]:
    """Type, sender and text of each waiting message, taken out."""
    return [(message.type, message.sender, message.body) for message in take_mail(fleet)]


def ids(workers: list[Worker]) -> list[str]:
    return [worker.id for worker in workers]


@pytest.fixture
def other(repository: Path, tmux_socket: str) -> Fleet:
    """That of a second session in the same repository."""
    return make_fleet(repository, tmux_socket, "session-2")


@pytest.fixture
def claude(fleet: Fleet) -> Iterator[subprocess.Popen[bytes]]:
    """The living claude process of the first session."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        sessions.link_process(state_root(), process.pid, fleet.home)
        yield process
        process.kill()


@pytest.mark.promise("owner-apart")
@pytest.mark.parametrize("where", ["same", "linked", "another"])
def test_a_session_has_nothing_to_do_with_the_workers_of_another(
    fleet: Fleet, repository: Path, tmux_socket: str, tmp_path: Path, where: str
) -> None:
    project = repository
    if where == "linked":
        project = tmp_path / "linked"
        git(repository, "worktree", "add", "-q", "-b", "other", str(project))
    if where == "another":
        project = make_repository(tmp_path / "another")
    other = make_fleet(project, tmux_socket, "session-2")
    worker = worker_of(fleet)
    reports.ask(fleet.records, worker.id, "tea?")
    before = fleet.worker(worker.id)

    for call in (other.worker, other.stop, lambda one: other.nudge(one, "yes")):
        with pytest.raises(WorkerNotFound, match="list has the ids"):
            call(worker.id)
    assert (other.workers(), other.stop_unfinished(), letters(other)) == ([], [], [])

    assert fleet.workers() == [before]
    assert letters(fleet) == [("question", worker.id, "tea?")]


@pytest.mark.promise("owner-adopt")
def test_orphans_are_adopted_with_the_mail_that_waits(
    repository: Path, fleet: Fleet, other: Fleet, tmux_socket: str
) -> None:
    orphan, second = worker_of(fleet), worker_of(fleet)
    own = worker_of(other)
    reports.ask(fleet.records, orphan.id, "seen already")
    letters(fleet)
    fleet.nudge(orphan.id, "yes")
    reports.complete(fleet.records, orphan.id, "done")

    adopted = other.adopt()

    assert sorted(ids(adopted)) == sorted([orphan.id, second.id])
    assert sorted(ids(other.workers())) == sorted([orphan.id, second.id, own.id])
    assert letters(other) == [("completion", orphan.id, "done")]
    (moved,) = map(json.loads, Path(other.home, "journal.jsonl").read_text("utf-8").splitlines())
    former = (fleet.owner, "its worker was adopted from there")
    assert (moved["event"], moved["reader"], moved["why"]) == ("requeued", *former)
    assert fleet.workers() == []
    assert sorted(take_news(fleet)) == sorted(("adopted", one.id) for one in (orphan, second))


def test_adopting_one_leaves_the_mail_of_the_others_where_it_is(fleet: Fleet, other: Fleet) -> None:
    wanted, left = worker_of(fleet), worker_of(fleet)
    for worker in (wanted, left):
        reports.complete(fleet.records, worker.id, "done")

    assert ids(other.adopt([wanted.id])) == [wanted.id]

    assert take_news(other) == [("completion", wanted.id)]
    assert take_news(fleet) == [
        ("completion", left.id),
        ("adopted", wanted.id),
    ]


@pytest.mark.promise("owner-adopt")
def test_the_workers_of_a_running_session_are_taken_by_force_only(
    fleet: Fleet, other: Fleet, claude: subprocess.Popen[bytes]
) -> None:
    worker, second = worker_of(fleet), worker_of(fleet)
    reports.ask(fleet.records, worker.id, "tea?")

    assert other.adopt() == []
    with pytest.raises(InvalidInput, match=f"Worker {worker.id} belongs to a session that is run"):
        other.adopt([worker.id])
    assert sorted(ids(fleet.workers())) == sorted([worker.id, second.id])

    assert ids(other.adopt([worker.id], force=True)) == [worker.id]
    assert letters(other) == [("question", worker.id, "tea?")]
    assert ids(fleet.workers()) == [second.id]


@pytest.mark.promise("owner-adopt")
def test_once_the_claude_process_is_gone_its_workers_are_orphans(
    fleet: Fleet, other: Fleet, claude: subprocess.Popen[bytes]
) -> None:
    worker = worker_of(fleet)
    claude.kill()
    claude.wait()

    assert ids(other.adopt()) == [worker.id]


def test_in_another_repository_there_is_nothing_to_adopt(
    fleet: Fleet, tmux_socket: str, tmp_path: Path
) -> None:
    worker = worker_of(fleet)
    elsewhere = make_fleet(make_repository(tmp_path / "another"), tmux_socket, "session-2")

    assert elsewhere.adopt() == []
    with pytest.raises(WorkerNotFound):
        elsewhere.adopt([worker.id], force=True)

    assert ids(fleet.workers()) == [worker.id]


def test_a_report_made_while_its_worker_is_adopted_comes_once_to_the_new_owner(
    fleet: Fleet, other: Fleet
) -> None:
    for number in range(5):
        worker = worker_of(fleet)
        with ThreadPoolExecutor() as pool:
            pool.submit(reports.complete, fleet.records, worker.id, f"done {number}")
            adopting = pool.submit(other.adopt, [worker.id])
        assert ids(adopting.result()) == [worker.id]

        assert letters(other) == [("completion", worker.id, f"done {number}")]
        assert take_news(fleet) == [("adopted", worker.id)]


@pytest.mark.parametrize("kind", ["completion", "stalled"])
def test_what_is_reported_in_the_moment_of_an_adoption_waits_for_its_end(
    fleet: Fleet, other: Fleet, kind: str
) -> None:
    worker, records = worker_of(fleet), fleet.records

    def report() -> None:
        if kind == "completion":
            reports.complete(records, worker.id, "done")
        else:
            reports.stalled(records, worker.id, "hm", occasion="1")

    with ThreadPoolExecutor() as pool:
        with exclusive(reports.report_lock(records, worker.id)):
            reporting = pool.submit(report)
            wait([reporting], timeout=0.5)
            records.update(worker.id, lambda one: one.adopt(other.owner, at=now()))
        reporting.result()

    assert take_news(other) == [(kind, worker.id)]
    assert take_news(fleet) == [("adopted", worker.id)]
