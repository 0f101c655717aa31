"""Moving a branch to a commit that was made in memory, and its checkout with it, or neither."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees import bases, evidence, trees
from worker_manager.worktrees.git import attempt, names, run
from worker_manager.worktrees.trees import HEADS

_HEAD = ("symbolic-ref", "--quiet", "HEAD")


class Target(NamedTuple):
    """A branch to merge into: its commit, and where it is checked out; empty when nowhere."""

    branch: str
    sha: str
    checkout: str


def target(directory: str, branch: str) -> Target:
    """Raises WorktreeRefused when it is no branch, git is at work on it, or where it is checked out
    can't be found.
    """
    ref = bases.local_branch(directory, branch)
    sha = attempt(directory, "rev-parse", "--verify", "--quiet", ref) if ref else ""
    if not sha:
        raise WorktreeRefused(
            f"there is no local branch {branch!r} to merge into. Name one with into; "
            "git branch lists them."
        )
    name = ref.removeprefix(HEADS)
    if _is_being_rebased(directory, name):
        raise WorktreeRefused(f"{name} is being rebased. Finish that, or git rebase --abort.")
    return Target(name, sha, _checkout(directory, ref))


def in_the_way(at: Target, sha: str) -> list[str]:
    """Files of its checkout with changes of their own that moving to a commit would touch."""
    if not at.checkout:
        return []
    touched = set(names(at.checkout, "diff", "--name-only", "--no-renames", "-z", at.sha, sha))
    return [one.name for one in evidence.changes(at.checkout) if one.name in touched]


def advance(directory: str, at: Target, sha: str, why: str) -> None:
    """Moves the branch, and its checkout, to a descendant. Raises WorktreeRefused; then nothing has
    changed.
    """
    if not at.checkout:
        run(directory, "update-ref", "-m", why, HEADS + at.branch, sha, at.sha)
        return
    # Without a word: should we be killed, it would die of the pipe that nobody reads.
    keep = ("--no-overwrite-ignore", "--no-autostash", "--no-squash", "--quiet")
    named = {"GIT_REFLOG_ACTION": why}
    if attempt(at.checkout, "symbolic-ref", "--quiet", "HEAD") != HEADS + at.branch:
        raise WorktreeRefused(f"{at.checkout} has just left {at.branch}. Try again.")
    run(at.checkout, "merge", "--ff-only", *keep, sha, environment=named)


def take_back(at: Target, sha: str) -> None:
    """Moves it back from a commit, with its checkout; files with changes of their own stay. Raises
    WorktreeRefused, when it has gone on since or such files are in the way.
    """
    if run(at.checkout, "rev-parse", "HEAD") != sha:
        raise WorktreeRefused(f"{at.branch} has gone on since.")
    run(at.checkout, "reset", "--keep", "--quiet", at.sha)


def contains(directory: str, branch: str, sha: str) -> bool:
    """Whether a commit is the one that a branch, or another commit, stands at, or one before."""
    return _says_yes(directory, "merge-base", "--is-ancestor", sha, branch)


def files_between(directory: str, before: str, after: str) -> str:
    """Which files a commit changed, and how much."""
    return run(directory, "diff", "--stat=100", "--no-color", "--no-ext-diff", before, after)


def _checkout(directory: str, ref: str) -> str:
    """Where a branch is checked out, found by looking there; empty when nowhere. Raises
    WorktreeRefused when that can't be known, or is more than one place.
    """
    name = ref.removeprefix(HEADS)
    found = [one.path for one in trees.listed(directory)[1:] if HEADS + one.branch == ref]
    for place in found:
        if _head_in(place) != (os.path.realpath(place), ref):
            raise WorktreeRefused(
                f"git says that {name} is checked out in {place}, and no worktree of it is there. "
                "Bring it back, or run git worktree prune."
            )
    main = bases.main_worktree(directory)
    if main is None and _head_of_all(directory) == ref:
        raise WorktreeRefused(
            f"{name} is checked out, but git doesn't say where. Merge from a session that was "
            "started in that checkout, or name another branch with into."
        )
    if main and _head_in(main)[1] == ref:
        found.insert(0, main)
    if len(found) > 1:
        raise WorktreeRefused(
            f"{name} is checked out in {' and in '.join(found)}: one of them would go stale. "
            "Switch it to another branch."
        )
    return found[0] if found else ""


def _head_in(place: str) -> tuple[str, str]:
    """Whose checkout a directory is, and the whole name of its branch; both may be empty."""
    where = ("rev-parse", "--path-format=absolute", "--show-toplevel")
    top = attempt(place, *where) if os.path.isdir(place) else ""
    return os.path.realpath(top) if top else "", attempt(place, *_HEAD) if top else ""


def _head_of_all(directory: str) -> str:
    """The branch that the repository's own HEAD names, whatever this worktree's does."""
    common = run(directory, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return attempt(common, f"--git-dir={common}", *_HEAD)


def _says_yes(directory: str, *arguments: str) -> bool:
    try:
        run(directory, *arguments)
    except WorktreeRefused:
        return False
    return True


def _is_being_rebased(directory: str, branch: str) -> bool:
    common = Path(run(directory, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    for place in (common, *common.glob("worktrees/*")):
        for state in ("rebase-merge", "rebase-apply"):
            file = place / state / "head-name"
            if file.is_file() and file.read_text("utf-8", "replace").strip() == HEADS + branch:
                return True
    return False
