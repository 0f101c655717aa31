"""Removing worktrees and branches of workers: only what is ours, and never through a link."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees import evidence, own, snapshots, trees
from worker_manager.worktrees.git import attempt, names, run
from worker_manager.worktrees.trees import HEADS

#: What is added to a worktree's name while it is being removed: killed then, it is half gone.
GOING = ".removed"


class Tree(NamedTuple):
    """A worker's worktree and branch: where, whether each is still there, and the commits that the
    branch and the worktree's HEAD stand at.
    """

    checkout: str
    path: str
    branch: str
    is_there: bool
    admin: str
    tip: str
    head: str


def find(checkout: Path, path: str, branch: str) -> Tree:
    """What is there of it."""
    where = str(checkout)
    is_there = os.path.lexists(path)
    sha = ("rev-parse", "--verify", "--quiet")
    return Tree(
        checkout=where,
        path=path,
        branch=branch,
        is_there=is_there,
        admin=trees.admin_directory(where, path),
        tip=attempt(where, *sha, HEADS + branch),
        head=attempt(path, *sha, "HEAD") if is_there else "",
    )


def forbidden(tree: Tree) -> str:
    """Why it may not be removed whoever asks; empty when it may."""
    if os.path.islink(tree.path):
        return "its worktree's path is a symbolic link, which is not followed: remove the link"
    real = os.path.realpath(tree.path)
    places = trees.listed(tree.checkout)
    elsewhere = [one for one in places if one.branch == tree.branch and one.path != real]
    if elsewhere:
        return f"its branch is checked out in {elsewhere[0].path}"
    if tree.is_there:
        return _forbidden_place(tree, places, real)
    return ""


def _forbidden_place(tree: Tree, places: list[trees.Listed], real: str) -> str:
    if real not in [one.path for one in places[1:]] or not tree.admin:
        return f"git knows no worktree at {tree.path}"
    if not own.is_marked(tree.admin, tree.branch):
        return f"{tree.path} was not made by worker-manager: git worktree remove it"
    locked = [one.locked for one in places if one.path == real and one.locked]
    if locked:
        return f"its worktree is locked ({locked[0]}): git worktree unlock {tree.path}"
    inner = [one.path for one in places if Path(one.path).is_relative_to(real) and one.path != real]
    inner += _repositories(tree.path)
    if inner:
        return f"another repository or worktree lies in it ({inner[0]}): move that away first"
    return ""


def ignored_repositories(path: str) -> list[str]:
    """Repositories in there that git ignores: nothing of those is saved."""
    found = [os.path.dirname(one.path) for one in _below(path) if one.name == ".git"]
    return sorted(name for name in found if os.path.realpath(name) != os.path.realpath(path))


def size(path: str) -> int:
    """The bytes that a directory takes on the disk."""
    return sum(one.stat(follow_symlinks=False).st_blocks * 512 for one in _below(path))


def keep_all(tree: Tree, ref: str, message: str) -> snapshots.Saved:
    """Saves branch, HEAD, what no commit holds, and what reset and amend left only in reflogs."""
    tips = [one for one in dict.fromkeys([tree.tip, tree.head]) if one]
    past = _left_behind(tree, tips)
    if tree.is_there:
        return snapshots.keep(tree.path, ref, message, [*tips, *past])
    if not tips:
        raise WorktreeRefused(f"neither the worktree {tree.path} nor its branch is there.")
    whole = run(tree.checkout, "rev-parse", f"{tips[0]}^{{tree}}")
    sha = snapshots.commit(tree.checkout, whole, [*tips, *past], message)
    run(tree.checkout, "update-ref", ref, sha)
    return snapshots.Saved(sha, ())


def remove(tree: Tree) -> None:
    """Takes the worktree away, then the branch. Killed in between, it can be called again."""
    going = tree.path + GOING
    _remove_files(going)
    if tree.is_there:
        os.rename(tree.path, going)  # in one step: what is half removed has another name
    if tree.admin:
        trees.forget(Path(tree.checkout), Path(tree.path))
    _remove_files(going)
    if tree.tip:
        run(tree.checkout, "update-ref", "-d", HEADS + tree.branch, tree.tip)


def is_half_gone(path: str) -> bool:
    """Whether a removal of it was cut off."""
    return os.path.lexists(path + GOING)


def bring_back(checkout: Path, path: str, branch: str, ref: str) -> None:
    """Makes branch and worktree again, with what no commit held, as far as they are gone."""
    where = str(checkout)
    if ref and not attempt(where, "rev-parse", "--verify", "--quiet", HEADS + branch):
        run(where, "update-ref", HEADS + branch, f"{ref}^1", "")
    if not os.path.isdir(path):
        trees.reopen(checkout, Path(path), branch)
    if ref and (run(path, "ls-tree", ref) or run(path, "ls-files")):
        run(path, "restore", f"--source={ref}", "--worktree", "--", ":/")


def fits(checkout: Path, branch: str, ref: str) -> bool:
    """Whether a snapshot is of where the branch stands now, or the branch is gone."""
    sha = ("rev-parse", "--verify", "--quiet")
    tip = attempt(str(checkout), *sha, HEADS + branch)
    saved = attempt(str(checkout), *sha, f"{ref}^1") if ref else ""
    return bool(saved) and tip in ("", saved)


def _left_behind(tree: Tree, tips: list[str]) -> list[str]:
    """Commits that only the reflogs name."""
    logs = [HEADS + tree.branch] if tree.tip else []
    if tree.admin:
        logs.append(f"worktrees/{os.path.basename(tree.admin)}/HEAD")
    named: dict[str, None] = {}
    for log in logs:
        named.update(dict.fromkeys(attempt(tree.checkout, "log", "-g", "--format=%H", log).split()))
    others = [sha for sha in named if sha not in tips]
    if not others:
        return []
    alone = attempt(tree.checkout, "merge-base", "--independent", *tips, *others).split()
    return [sha for sha in alone if sha not in tips]


def _repositories(path: str) -> list[str]:
    """Repositories in there that git does not ignore: untracked ones, and submodules."""
    found = [one.name for one in evidence.changes(path) if one.is_repository]
    for entry in names(path, "ls-files", "--stage", "-z"):
        facts, _, name = entry.partition("\t")
        if facts.startswith("160000") and os.path.lexists(os.path.join(path, name, ".git")):
            found.append(name)
    return found


def _below(path: str) -> Iterator[os.DirEntry[str]]:
    """All that lies in a directory, as far as it may be read; links are not followed."""
    with suppress(PermissionError), os.scandir(path) as entries:
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path)


def _remove_files(path: str) -> None:
    if os.path.islink(path):
        raise WorktreeRefused(f"{path} is a symbolic link, which is not followed: remove the link.")
    if os.path.isdir(path):
        _make_writable(path)
        shutil.rmtree(path)


def _make_writable(directory: str) -> None:
    """With all below it: caches of some tools are read-only."""
    os.chmod(directory, stat.S_IRWXU)
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _make_writable(entry.path)
