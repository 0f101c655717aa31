"""What a stop saves, whatever state a worker's tree is in."""

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.scripted.bench import add_worker, commit, worktree_at
from worker_manager.crew.fleet import Fleet
from worker_manager.worktrees import changes, evidence, snapshots

REF = "refs/worker-manager/test/1"


@pytest.fixture
def tree(fleet: Fleet, repository: Path) -> Path:
    """A worker's worktree."""
    return Path(add_worker(fleet, repository, {"a": "1\n"}).path)


def saved(tree: Path) -> snapshots.Saved:
    """Saves it; worktree and index are as they were."""
    before = (tree / git_dir(tree) / "index").read_bytes() if has_index(tree) else b""
    given = snapshots.save(worktree_at(tree), REF, "test")
    after = (tree / git_dir(tree) / "index").read_bytes() if has_index(tree) else b""
    assert before == after
    assert given
    return given


def git_dir(tree: Path) -> str:
    return git(tree, "rev-parse", "--absolute-git-dir")


def has_index(tree: Path) -> bool:
    return Path(git_dir(tree), "index").exists()


def shown(tree: Path, name: str) -> str:
    return git(tree, "show", f"{REF}:{name}")


def intent_to_add(tree: Path) -> None:
    git(tree, "add", "--intent-to-add", "new")


def locked_index(tree: Path) -> None:
    Path(git_dir(tree), "index.lock").touch()


def no_index(tree: Path) -> None:
    Path(git_dir(tree), "index").unlink()


def orphan(tree: Path) -> None:
    git(tree, "checkout", "-q", "--orphan", "fresh")


def orphan_without_index(tree: Path) -> None:
    orphan(tree)
    no_index(tree)


def detached(tree: Path) -> None:
    git(tree, "checkout", "-q", "--detach")


def conflicted(tree: Path) -> None:
    git(tree, "checkout", "-q", "-b", "side", "HEAD~1")
    commit(tree, {"a": "side\n", "new": "new"})
    git(tree, "merge", "--no-commit", "-", "-s", "ours")


def line_ends(tree: Path) -> None:
    git(tree, "config", "core.autocrlf", "input")
    git(tree, "config", "core.safecrlf", "true")
    (tree / "crlf").write_bytes(b"a\r\nb\n")


def nested_without_commit(tree: Path) -> None:
    (tree / "nested").mkdir()
    git(tree / "nested", "init", "-q")


def odd_files(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(tree)  # its path may be too long for a socket's
        listening.bind("socket")


@pytest.mark.promise("stop-saved")
@pytest.mark.parametrize(
    "disturb",
    [
        intent_to_add,
        locked_index,
        no_index,
        orphan,
        orphan_without_index,
        detached,
        conflicted,
        line_ends,
        nested_without_commit,
        odd_files,
    ],
)
def test_whatever_state_a_worktree_is_in_its_files_are_saved(
    tree: Path, disturb: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)
    (tree / "new").write_text("new", "utf-8")
    disturb(tree)
    (tree / "last").write_text("last", "utf-8")
    (tree / "name\n\twith ünï \udcff").write_text("odd", "utf-8")

    saved(tree)

    assert (shown(tree, "new"), shown(tree, "last")) == ("new", "last")
    assert shown(tree, "name\n\twith ünï \udcff") == "odd"


@pytest.mark.promise("stop-saved")
def test_a_conflict_in_the_index_does_not_keep_the_files_from_being_saved(tree: Path) -> None:
    git(tree, "checkout", "-q", "-b", "side", "HEAD~1")
    commit(tree, {"a": "side\n"})
    with pytest.raises(Exception, match="merge"):
        git(tree, "merge", "-q", "-")

    saved(tree)

    assert "<<<<<<<" in shown(tree, "a")


@pytest.mark.promise("stop-saved")
def test_what_was_staged_is_saved_beside_what_lies_there(tree: Path) -> None:
    (tree / "a").write_text("staged\n", "utf-8")
    git(tree, "add", "a")
    (tree / "a").write_text("later\n", "utf-8")

    saved(tree)

    assert shown(tree, "a") == "later"
    assert git(tree, "show", f"{REF}^2:a") == "staged"


@pytest.mark.promise("stop-saved")
def test_what_changed_in_the_moment_of_a_commit_is_saved(tree: Path) -> None:
    git(tree, "config", "core.trustctime", "false")
    moment = 10**18
    os.utime(tree / "a", ns=(moment, moment))
    git(tree, "update-index", "--refresh")
    (tree / "a").write_text("2\n", "utf-8")  # as long as before
    for file in (tree / "a", Path(git_dir(tree), "index")):
        os.utime(file, ns=(moment, moment))

    saved(tree)

    assert shown(tree, "a") == "2"


@pytest.mark.promise("stop-saved")
def test_a_repository_within_is_left_out_and_named(tree: Path, repository: Path) -> None:
    (tree / "inner").mkdir()
    git(tree / "inner", "init", "-q")
    commit(tree / "inner", {"x": "1"})
    (tree / "beside").write_text("1", "utf-8")

    given = saved(tree)

    assert given.left_out == ("inner/",)
    assert shown(tree, "beside") == "1"
    assert "inner" not in git(tree, "ls-tree", "--name-only", REF)


def test_a_worktree_that_is_gone_is_not_taken_for_the_directory_we_are_in(
    fleet: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = add_worker(fleet, repository)
    git(repository, "worktree", "remove", worker.path)
    monkeypatch.chdir(repository)
    (repository / "mine").touch()

    assert changes.progress(worker.path, worker.branch, worker.base_sha) is None
    assert fleet.stop(worker.id).saved == ""


def test_names_are_counted_whatever_they_hold(tree: Path) -> None:
    git(tree, "config", "core.quotePath", "false")
    for name in ("a b", "x\ny", "\u2028", "ü"):
        (tree / name).touch()
    git(tree, "mv", "a", "z")

    changed = {one.name for one in evidence.changes(str(tree))}
    assert changed == {"a", "a b", "x\ny", "\u2028", "ü", "z"}  # both names of a rename
    base = git(tree, "rev-parse", "HEAD")
    branch = worktree_at(tree).branch
    assert changes.progress(str(tree), branch, base) == (0, 5, 0, 0)


@pytest.mark.promise("stop-saved")
def test_a_submodule_in_conflict_keeps_nothing_else_from_being_saved(tree: Path) -> None:
    at = git(tree, "rev-parse", "HEAD")
    (tree / "sub").mkdir()
    entries = "".join(f"160000 {at} {stage}\tsub\n" for stage in (1, 2, 3))
    subprocess.run(
        ["git", "update-index", "--index-info"], cwd=tree, input=entries, text=True, check=True
    )
    (tree / "new").write_text("new", "utf-8")

    given = saved(tree)

    assert git(tree, "show", f"{REF}:new") == "new"
    assert given.left_out == ("sub",)


@pytest.mark.promise("stop-saved")
def test_a_person_may_have_git_take_patterns_literally(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    (tree / "new").write_text("new", "utf-8")

    assert saved(tree).left_out == ()
