"""Starts in repositories whose branches and lists leave little room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet
from tests.support.scripted.workers import HANG
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.doctor import repository as ground
from worker_manager.doctor.findings import Place, Verdict
from worker_manager.domain.worker import Worker
from worker_manager.errors import WorktreeRefused
from worker_manager.state.layout import state_root
from worker_manager.worktrees import removal
from worker_manager.worktrees.overview import overview


def start(repository: Path, socket: str, **options: object) -> Worker:
    return make_fleet(repository, socket, **options).start(StartRequest("t", HANG)).worker


def examined(repository: Path) -> list[tuple[Verdict, str]]:
    place = Place(state_root(), str(repository), os.environ)
    return [(one.verdict, one.says) for one in ground.repository(place)]


# Branches


@pytest.mark.parametrize("packed", [False, True])
def test_a_branch_called_worker_leaves_workers_another_beginning(
    repository: Path, tmux_socket: str, packed: bool
) -> None:
    git(repository, "branch", "worker")
    if packed:
        git(repository, "pack-refs", "--all")

    fleet = make_fleet(repository, tmux_socket)
    worker = fleet.start(StartRequest("t", HANG)).worker

    assert worker.branch == f"worker-{worker.name}"
    assert git(Path(worker.path), "symbolic-ref", "--short", "HEAD") == worker.branch
    fleet.reconcile()
    assert fleet.records.load(worker.id).missing == ""
    git(repository, "pack-refs", "--all")
    fleet.reconcile()
    assert fleet.records.load(worker.id).missing == ""
    ((verdict, says),) = examined(repository)
    assert verdict is Verdict.WARNING
    assert "no room for worker/" in says
    found = removal.find(overview(str(repository)), worker.path, worker.branch)
    assert removal.forbidden(overview(str(repository)), found) == ""


@pytest.mark.parametrize(
    ("prefix", "branches", "beginning"),
    [
        ("team/ai/", ["team/x", "ai"], "team/ai/"),
        ("team/ai/", ["team"], "team-ai-"),
        ("team/ai/", ["team/ai"], "team-ai-"),
        ("ai-", ["ai"], "ai-"),
        ("", ["worker"], ""),
        ("worker/", ["workers", "work", "Worker", "worker-x"], "worker/"),
    ],
)
def test_what_workers_branches_begin_with_can_be_set(
    repository: Path, tmux_socket: str, prefix: str, branches: list[str], beginning: str
) -> None:
    for name in branches:
        git(repository, "branch", name)

    worker = start(repository, tmux_socket, worktree_branch_prefix=prefix)

    assert worker.branch == f"{beginning}{worker.name}"


def test_a_beginning_that_only_case_tells_from_a_branch_is_none_where_case_does_not_count(
    repository: Path, tmux_socket: str
) -> None:
    """As such a file system has it: the file of `Worker` is found as `worker`, too."""
    git(repository, "branch", "Worker")
    heads = repository / ".git" / "refs" / "heads"
    os.link(heads / "Worker", heads / "worker")
    (heads / "worker").unlink()
    git(repository, "update-ref", "refs/heads/worker", "HEAD")

    assert start(repository, tmux_socket).branch.startswith("worker-")


@pytest.mark.parametrize(
    ("named", "recorded"),
    [
        ("main", "main"),
        ("@", "main"),
        ("HEAD", "main"),
        ("refs/heads/main", "main"),
        ("heads/topic/a", "topic/a"),
        ("v1", "v1"),
        ("HEAD~0", "main"),
    ],
)
def test_a_branch_is_recorded_by_its_name_however_it_was_named(
    repository: Path, tmux_socket: str, named: str, recorded: str
) -> None:
    git(repository, "branch", "topic/a")
    git(repository, "tag", "v1")

    fleet = make_fleet(repository, tmux_socket)

    assert fleet.start(StartRequest("t", HANG, base_branch=named)).worker.base_branch == recorded


# The list of what git does not show


@pytest.mark.parametrize(
    "content",
    [
        b"# Bl\xf6dsinn\nbuild/\n",
        b"# Bl\xf6dsinn\r\nbuild/\r\n",
        b"build/",
        b"",
        b"/.worktrees/\r\n",
        b"\xef\xbb\xbfbuild/\n",
        None,
    ],
)
def test_the_list_of_what_is_not_shown_stays_as_it_is_byte_for_byte(
    repository: Path, tmux_socket: str, content: bytes | None
) -> None:
    file = repository / ".git" / "info" / "exclude"
    if content is None:
        file.unlink()
        file.parent.rmdir()
    else:
        file.write_bytes(content)

    for _ in range(2):
        start(repository, tmux_socket)

    after = file.read_bytes()
    assert after.startswith(content or b"")
    assert after.count(b"/.worktrees/") == 1
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize("place", ["info", "info/exclude"])
def test_a_list_that_is_a_link_is_written_where_it_leads(
    repository: Path, tmux_socket: str, tmp_path: Path, place: str
) -> None:
    link, real = repository / ".git" / place, tmp_path / "elsewhere"
    link.rename(real)
    link.symlink_to(real)

    start(repository, tmux_socket)

    assert link.is_symlink()
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize("how", ["directory", "dangling", "file"])
def test_a_list_that_can_not_be_written_is_named_and_nothing_is_left(
    repository: Path, tmux_socket: str, tmp_path: Path, how: str
) -> None:
    file = repository / ".git" / "info" / "exclude"
    file.unlink()
    if how == "directory":
        file.mkdir()
    else:
        file.parent.rmdir()
        if how == "file":
            file.parent.write_text("no directory", "utf-8")
        else:
            file.parent.symlink_to(tmp_path / "nowhere")
    fleet = make_fleet(repository, tmux_socket)

    with pytest.raises(WorktreeRefused, match=r"info/exclude can't be written to .* add the line"):
        fleet.start(StartRequest("t", HANG))

    assert not (repository / ".worktrees").exists()
    assert git(repository, "branch", "--list", "worker/*") == ""
    assert fleet.records.all() == []


@pytest.mark.parametrize("directory", ["w*k", "w [1]", "#w", "!w", "caf\u00e9"])
def test_a_directory_is_kept_out_of_the_status_whatever_it_is_called(
    repository: Path, tmux_socket: str, directory: str
) -> None:
    beside = repository / directory.replace("*", "or").replace("[1]", "1")
    if beside.name != directory:
        beside.mkdir()
        (beside / "mine").touch()
    before = git(repository, "status", "--porcelain")

    start(repository, tmux_socket, worktree_directory=directory)

    assert git(repository, "status", "--porcelain") == before
