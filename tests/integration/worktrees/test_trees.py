"""Worktrees as git makes them, and takes them back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.waiting import wait_until
from worker_manager.errors import StateUnavailable, WorktreeRefused
from worker_manager.state import process_identity
from worker_manager.worktrees import git as git_module
from worker_manager.worktrees import trees
from worker_manager.worktrees.bases import inspect_checkout


@pytest.mark.parametrize(
    ("files", "setting", "helped"),
    [(150, "", True), (150, "1", False), (150, "2", True), (20, "", False)],
)
def test_many_files_are_written_on_all_cores_unless_told_otherwise(
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: int,
    setting: str,
    helped: bool,
) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one core")
    for number in range(files):
        (repository / f"{number}").touch()
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "files")
    if setting:
        git(repository, "config", "checkout.workers", setting)
    monkeypatch.setenv("GIT_TRACE2", str(tmp_path / "trace"))
    head = git(repository, "rev-parse", "HEAD")

    trees.create(
        inspect_checkout(str(repository)), repository / ".worktrees" / "w", "worker/w", head
    )

    assert ("checkout--worker" in (tmp_path / "trace").read_text("utf-8")) is helped


def test_a_git_that_hangs_is_ended_and_takes_back_what_it_began(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".gitattributes").write_text("README filter=slow\n", "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "slow")
    git(repository, "config", "filter.slow.smudge", "sleep 600; cat")
    monkeypatch.setattr(git_module, "TIMEOUT_SECONDS", 1)
    tree, base = repository / ".worktrees" / "w", git(repository, "rev-parse", "HEAD")

    with pytest.raises(WorktreeRefused, match=r"git reset did not end within 1 s, and was ended"):
        trees.create(inspect_checkout(str(repository)), tree, "worker/w", base)

    assert not tree.exists()
    assert git(repository, "branch", "--list", "worker/*") == ""
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_worktree_that_is_there_survives_a_second_start_in_its_place(repository: Path) -> None:
    tree, base = repository / ".worktrees" / "w", git(repository, "rev-parse", "HEAD")
    trees.create(inspect_checkout(str(repository)), tree, "worker/w", base)
    (tree / "work").touch()

    with pytest.raises(WorktreeRefused, match="already exists"):
        trees.create(inspect_checkout(str(repository)), tree, "worker/other", base)

    assert (tree / "work").exists()
    assert git(tree, "symbolic-ref", "--short", "HEAD") == "worker/w"


@pytest.mark.parametrize("kind", ["branch", "tag"])
def test_what_is_checked_out_is_known_beside_a_ref_of_the_name_head(
    repository: Path, kind: str
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "update-ref", f"refs/{'heads' if kind == 'branch' else 'tags'}/HEAD", head)

    ground = inspect_checkout(str(repository))

    assert (ground.branch, ground.head) == ("main", head)


@pytest.mark.parametrize("failure", [StateUnavailable("no room"), KeyboardInterrupt("no room")])
def test_a_worktree_is_taken_back_when_what_was_done_meanwhile_fails(
    repository: Path, failure: BaseException
) -> None:
    tree, base = repository / ".worktrees" / "w", git(repository, "rev-parse", "HEAD")

    def meanwhile() -> None:
        raise failure

    with pytest.raises(type(failure), match="no room"):
        trees.create(inspect_checkout(str(repository)), tree, "worker/w", base, meanwhile)

    assert not tree.exists()
    assert git(repository, "branch", "--list", "worker/*") == ""


def test_a_git_whose_caller_fails_meanwhile_is_ended(repository: Path, tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    hang = f"alias.hang=!echo $$ >{noted}.part; mv {noted}.part {noted}; exec sleep 600"

    def meanwhile() -> None:
        wait_until(noted.exists)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        git_module.run(str(repository), "-c", hang, "hang", meanwhile=meanwhile)

    wait_until(lambda: not process_identity.identity(int(noted.read_text("ascii"))))


def test_a_stamp_of_branches_differs_whenever_one_has_moved(repository: Path) -> None:
    common = str(repository / ".git")
    git(repository, "branch", "other")
    seen = [trees.tip_stamp(common, ["main", "other", "none"])]

    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    seen.append(trees.tip_stamp(common, ["main", "other", "none"]))
    git(repository, "pack-refs", "--all")
    seen.append(trees.tip_stamp(common, ["main", "other", "none"]))
    git(repository, "update-ref", "refs/heads/other", "HEAD")
    seen.append(trees.tip_stamp(common, ["main", "other", "none"]))
    git(repository, "branch", "none")
    seen.append(trees.tip_stamp(common, ["main", "other", "none"]))

    assert len(set(seen)) == 5
    assert trees.tip_stamp(common, ["main", "other", "none"]) == seen[-1]


def test_a_branch_that_stands_for_another_one_has_no_stamp(repository: Path) -> None:
    git(repository, "symbolic-ref", "refs/heads/alias", "refs/heads/main")

    assert trees.tip_stamp(str(repository / ".git"), ["alias"]) == ()
