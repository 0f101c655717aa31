"""Worktrees lie inside of the checkout, whatever lies there or is set."""

from pathlib import Path

import pytest

from tests.conftest import git, make_fleet
from tests.support.scripted.workers import HANG
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.errors import WorktreeRefused


@pytest.mark.promise("secure-links")
@pytest.mark.parametrize(
    ("link", "setting"),
    [
        ("{outside}", ".worktrees"),
        ("{outside}/nowhere", ".worktrees"),
        ("{outside}", ".worktrees/deeper"),
        ("", "../outside"),
        ("", "{outside}"),
    ],
)
def test_a_worktree_outside_of_the_checkout_is_refused_and_nothing_is_left(
    repository: Path, tmux_socket: str, tmp_path: Path, link: str, setting: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    if link:
        (repository / ".worktrees").symlink_to(link.format(outside=outside))
    exclude = repository / ".git" / "info" / "exclude"
    excluded = exclude.read_text("utf-8")
    directory = setting.format(outside=outside)
    fleet = make_fleet(repository, tmux_socket, worktree_directory=directory)

    with pytest.raises(WorktreeRefused, match=r"leads out of .*Remove the link, or set") as caught:
        fleet.start(StartRequest("t", HANG))

    assert str(outside) in str(caught.value)
    assert list(outside.iterdir()) == []
    assert exclude.read_text("utf-8") == excluded
    assert git(repository, "branch", "--list", "worker/*") == ""
    assert fleet.records.all() == []


def test_a_link_that_stays_inside_of_the_checkout_may_be(
    repository: Path, tmux_socket: str
) -> None:
    (repository / "inside").mkdir()
    (repository / ".worktrees").symlink_to("inside")
    fleet = make_fleet(repository, tmux_socket)

    worker = fleet.start(StartRequest("t", HANG)).worker

    assert (repository / "inside" / worker.name / "README").exists()
