"""The main checkout is where the session is, wherever git's own directory lies."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet, make_repository
from tests.support.scripted.bench import add_worker, commit
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.errors import MergeRefused
from worker_manager.worktrees import bases, ref_update

Layout = Callable[[Path], Path]
STRATEGIES = ("merge", "squash", "rebase")


def linked(repository: Path) -> Path:
    """`.git` is a symbolic link to the `.git` of a directory beside."""
    store = repository.parent / "store"
    store.mkdir()
    os.rename(repository / ".git", store / ".git")
    os.symlink(store / ".git", repository / ".git")
    return repository


def linked_elsewhere(repository: Path) -> Path:
    """`.git` is a symbolic link to a directory of another name."""
    os.rename(repository / ".git", repository.parent / "store.git")
    os.symlink(repository.parent / "store.git", repository / ".git")
    return repository


def separate(repository: Path) -> Path:
    """`git init --separate-git-dir`."""
    git(repository, "init", "-q", "--separate-git-dir", str(repository.parent / "store.git"))
    return repository


def with_worktree_set(repository: Path) -> Path:
    """`core.worktree`, as submodules have it."""
    os.rename(repository / ".git", repository.parent / "store.git")
    (repository / ".git").write_text(f"gitdir: {repository.parent}/store.git\n", "utf-8")
    git(repository, "config", "core.worktree", str(repository))
    return repository


def bare_with_worktrees(repository: Path) -> Path:
    """`.bare`, a `.git` file beside it, and a linked worktree for each branch."""
    place = repository.parent / "bare"
    git(repository.parent, "clone", "-q", "--bare", "repo", "bare/.bare")
    (place / ".git").write_text("gitdir: ./.bare\n", "utf-8")
    git(place, "worktree", "add", "-q", "main", "main")
    return place / "main"


def bare_below_its_worktrees(repository: Path) -> Path:
    """A bare `.git`, which is no checkout of the directory that it lies in."""
    place = repository.parent / "hub"
    git(repository.parent, "clone", "-q", "--bare", "repo", "hub/.git")
    git(place / ".git", "worktree", "add", "-q", str(place / "main"), "main")
    return place / "main"


def submodule(repository: Path) -> Path:
    """A session in a submodule."""
    whole = make_repository(repository.parent / "whole")
    local = ("-c", "protocol.file.allow=always")
    git(whole, *local, "submodule", "--quiet", "add", str(repository), "sub")
    git(whole, "commit", "-q", "-m", "sub")
    return whole / "sub"


def plain(repository: Path) -> Path:
    """As most have it."""
    return repository


def worktree_of(repository: Path) -> Path:
    """A session in a linked worktree, whose main checkout has the branch."""
    git(repository, "worktree", "add", "-q", "-b", "side", "../side")
    return repository.parent / "side"


def files(folder: Path) -> set[Path]:
    """All in there that is not git's, ours or a worker's."""
    theirs = ("state", ".git", ".bare", "store.git", ".worktrees")
    return {one for one in folder.rglob("*") if not set(theirs).intersection(one.parts)}


LAYOUTS = (
    plain,
    linked,
    linked_elsewhere,
    separate,
    with_worktree_set,
    bare_with_worktrees,
    bare_below_its_worktrees,
    submodule,
)


@pytest.mark.promise("merge-branch", "merge-whole", "merge-checks")
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.__name__)
def test_a_merge_moves_the_checkout_of_the_session(
    repository: Path, tmux_socket: str, layout: Layout, strategy: str
) -> None:
    place = layout(repository)
    fleet = make_fleet(place, tmux_socket)
    beside = files(repository.parent)
    worker = add_worker(fleet, place, {"a": "1\n", "README": "worker\n"})
    second = add_worker(fleet, place, {"b": "1\n"})
    commit(place, {"mine": "x"})
    before = git(place, "rev-parse", "main")

    with pytest.raises(MergeRefused, match="was taken back"):
        fleet.merge(second.id, MergeOptions(strategy, checks=["test -e b && exit 1"]))
    assert git(place, "rev-parse", "main") == before
    fleet.merge(worker.id, MergeOptions(strategy, checks=["test -e a"]))

    assert (place / "a").read_text("utf-8") == "1\n"
    assert (place / "README").read_text("utf-8") == "worker\n"
    assert not (place / "b").exists()
    assert git(place, "status", "--porcelain") == ""
    assert git(place, "rev-parse", "HEAD") == git(place, "rev-parse", "main") != before
    assert files(repository.parent) - beside == {place / "a", place / "mine"}


def test_a_session_in_a_linked_worktree_moves_the_main_checkout(
    repository: Path, tmux_socket: str
) -> None:
    place = worktree_of(repository)
    fleet = make_fleet(place, tmux_socket)
    worker = add_worker(fleet, place, {"a": "1\n"})

    fleet.merge(worker.id, MergeOptions(into="main"))
    assert (repository / "a").exists()
    assert not (place / "a").exists()
    fleet.merge(worker.id, MergeOptions(into="side"))

    assert (place / "a").exists()
    assert git(place, "status", "--porcelain") == git(repository, "status", "--porcelain", "-uno")


@pytest.mark.parametrize("layout", [linked, linked_elsewhere, separate])
def test_a_checkout_that_git_does_not_tell_from_there_is_not_guessed(
    repository: Path, tmux_socket: str, layout: Layout
) -> None:
    layout(repository)
    place = worktree_of(repository)
    fleet = make_fleet(place, tmux_socket)
    worker = add_worker(fleet, place, {"a": "1\n"})
    before = git(repository, "rev-parse", "main")

    with pytest.raises(MergeRefused, match=r"main is checked out, but git doesn't say where"):
        fleet.merge(worker.id, MergeOptions(into="main"))

    assert git(repository, "rev-parse", "main") == before
    assert bases.main_checkout(str(place)) == place
    assert not (repository.parent / "store" / "a").exists()
    git(repository, "switch", "-q", "-c", "other")
    assert (
        fleet.merge(worker.id, MergeOptions(into="main"))
        .notes[0]
        .endswith("only the branch has moved.")
    )


def test_a_branch_that_is_checked_out_twice_is_left_alone(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1\n"})
    git(repository, "worktree", "add", "-q", "-f", "../twice", "main")

    with pytest.raises(MergeRefused, match=r"main is checked out in .*repo and in .*twice"):
        fleet.merge(worker.id, MergeOptions())

    git(repository.parent / "twice", "switch", "-q", "-c", "other")
    fleet.merge(worker.id, MergeOptions())


def test_a_worktree_that_is_gone_or_has_no_git_file_is_no_checkout(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository, {"a": "1\n"})
    inside = repository / "inside"
    git(repository, "worktree", "add", "-q", "-b", "topic", str(inside))
    (inside / ".git").unlink()

    with pytest.raises(MergeRefused, match=r"topic is checked out in .*inside, and no worktree"):
        fleet.merge(worker.id, MergeOptions(into="topic"))
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/main"
    (inside / "README").unlink()
    inside.rmdir()
    with pytest.raises(MergeRefused, match="git worktree prune"):
        fleet.merge(worker.id, MergeOptions(into="topic"))
    git(repository, "worktree", "prune")
    fleet.merge(worker.id, MergeOptions(into="topic"))

    assert not (repository / "a").exists()


@pytest.mark.parametrize(
    "name", ["@", "HEAD", "HEAD~0", "HEAD^0", "@~0", "@{-1}", "refs/heads/main", "alias", "main"]
)
def test_what_means_a_branch_is_recorded_as_that_branch(
    fleet: Fleet, repository: Path, name: str
) -> None:
    git(repository, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    git(repository, "switch", "-q", "-c", "other")
    git(repository, "switch", "-q", "main")
    wanted = "other" if name == "@{-1}" else "main"

    assert bases.resolve_base(bases.inspect_checkout(str(repository)), name).name == wanted
    assert ref_update.target(str(repository), name).branch == wanted
    worker = add_worker(fleet, repository, {"a": "1"})
    assert fleet.merge(worker.id, MergeOptions(into=name)).merge.into == wanted
    assert (repository / "a").exists() is (wanted == "main")


def test_a_branch_is_meant_before_a_tag_of_its_name_and_a_commit_stays_one(
    repository: Path,
) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "main")
    git(repository, "tag", "v1")
    second = commit(repository, {"more": "x"})
    ground = bases.inspect_checkout(str(repository))

    assert bases.resolve_base(ground, "main")[:2] == ("main", second)
    assert bases.resolve_base(ground, "v1")[:2] == ("v1", first)
    assert bases.resolve_base(ground, "HEAD~1")[:2] == ("HEAD~1", first)
    assert bases.resolve_base(ground, second)[:2] == (second, second)
