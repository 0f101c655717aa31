"""Work that will not fit together is told while it goes on, once, and cheaply."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet
from tests.support.scripted.bench import add_worker, commit, set_status
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.domain.worker import Status, Worker


def letters(fleet: Fleet) -> list[tuple[str, str]]:
    """What waits for the orchestrator: who it is about, and the text."""
    claim = fleet.mailbox.claim()
    if claim is None:
        return []
    claim.acknowledge()
    assert {message.type for message in claim.messages} == {"conflict"}
    return [(message.sender, message.body) for message in claim.messages]


@pytest.fixture
def crew(fleet: Fleet, repository: Path) -> tuple[Worker, Worker]:
    """Two that are at work."""
    first = add_worker(fleet, repository, title="First", status=Status.RUNNING)
    return first, add_worker(fleet, repository, title="Second", status=Status.RUNNING)


@pytest.mark.promise("conflict-told")
def test_two_workers_that_change_the_same_place_are_told_once(
    fleet: Fleet, repository: Path, crew: tuple[Worker, Worker], tmux_socket: str
) -> None:
    one, other = crew
    commit(one.path, {"README": "one\n", "file\none": "1"})
    fleet.supervisor.supervise_once()
    assert letters(fleet) == []

    commit(other.path, {"README": "other\n", "file\none": "2", "more": "x"})
    commit(repository, {"elsewhere": "x"})
    objects = git(repository, "count-objects")
    fleet.supervisor.supervise_once()

    ((sender, body),) = letters(fleet)
    assert git(repository, "count-objects") == objects
    assert sender in (one.id, other.id)
    for part in (one.id, one.name, other.id, other.name, "'README'", r"'file\none'"):
        assert part in body
    assert f"merge_worker {one.id} (running) first; then have {other.id}" in body
    commit(other.path, {"README": "again\n"})
    fleet.supervisor.supervise_once()
    make_fleet(
        repository, tmux_socket
    ).supervisor.supervise_once()  # a server that has just started
    assert letters(fleet) == []


@pytest.mark.promise("conflict-told")
def test_a_base_that_moved_under_a_worker_is_told(
    fleet: Fleet, repository: Path, crew: tuple[Worker, Worker]
) -> None:
    one, _ = crew
    commit(one.path, {"README": "one\n"})
    fleet.supervisor.supervise_once()
    commit(repository, {"README": "main\n"})
    fleet.supervisor.supervise_once()

    ((sender, body),) = letters(fleet)
    assert sender == one.id
    assert "is in conflict with main in: 'README'" in body
    assert f'nudge_worker(id="{one.id}"' in body


def test_who_has_completed_is_proposed_first(fleet: Fleet, crew: tuple[Worker, Worker]) -> None:
    one, other = crew
    commit(one.path, {"README": "one\n"})
    commit(other.path, {"README": "other\n", "a": "1", "b": "1"})
    set_status(fleet, other, Status.COMPLETED)

    fleet.supervisor.supervise_once()

    assert f"merge_worker {other.id} (completed) first" in letters(fleet)[0][1]


def test_only_open_work_counts(fleet: Fleet, repository: Path, crew: tuple[Worker, Worker]) -> None:
    one, other = crew
    commit(one.path, {"README": "one\n"})
    commit(other.path, {"README": "other\n"})
    set_status(fleet, one, Status.STOPPED)
    set_status(fleet, other, Status.COMPLETED)
    fleet.merge(other.id, MergeOptions("squash"))
    commit(repository, {"README": "and on\n"})

    fleet.supervisor.supervise_once()

    assert letters(fleet) == []


def trials(calls: list[str]) -> int:
    """How many merges were tried."""
    return sum(" merge-tree " in one for one in calls)


def test_a_look_asks_git_next_to_nothing_when_nothing_moved_and_else_about_what_moved(
    fleet: Fleet, repository: Path, tmux_socket: str, calls: Callable[[str], list[str]]
) -> None:
    workers = [
        add_worker(fleet, repository, {f"file {n}": "x"}, status=Status.RUNNING) for n in range(4)
    ]
    calls("git")
    fleet.supervisor.supervise_once()
    assert trials(calls("git")) == 4 + 6

    fleet.supervisor.supervise_once()
    assert calls("git") == []

    make_fleet(repository, tmux_socket).supervisor.supervise_once()  # it has seen nothing yet
    (only,) = calls("git")
    assert " for-each-ref " in only

    commit(workers[0].path, {"file 0": "y"})
    calls("git")
    fleet.supervisor.supervise_once()
    assert trials(calls("git")) == 1 + 3


def test_what_was_seen_is_looked_at_again_where_nobody_can_read_it(
    fleet: Fleet, repository: Path, tmux_socket: str, calls: Callable[[str], list[str]]
) -> None:
    add_worker(fleet, repository, {"file": "x"}, status=Status.RUNNING)
    fleet.supervisor.supervise_once()
    for broken in ("[]", "{", ""):
        Path(fleet.home, "tips.json").write_text(broken, "utf-8")
        calls("git")
        make_fleet(repository, tmux_socket).supervisor.supervise_once()
        assert trials(calls("git")) == 1
