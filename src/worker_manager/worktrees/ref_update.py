"""Moving a branch to a commit that was made in memory, and its checkout with it, or neither."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees import bases, refs, trees
from worker_manager.worktrees.git import ask, attempt, last_line, names, run
from worker_manager.worktrees.refs import Change
from worker_manager.worktrees.trees import HEADS

#: What the next commit in a checkout would belong to.
_UNDER_WAY = {"MERGE_HEAD": "merge", "CHERRY_PICK_HEAD": "cherry-pick", "REVERT_HEAD": "revert"}
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
    checkout = _checkout(directory, ref)
    for head, what in _UNDER_WAY.items() if checkout else ():
        if _tip(checkout, head):
            raise WorktreeRefused(f"a {what} is under way in {checkout}. Finish or --abort it.")
    return Target(name, sha, checkout)


def move(directory: str, at: Target, sha: str, why: str) -> None:
    """Moves the branch to another commit, and its checkout with it. Raises WorktreeRefused; then
    neither has moved, unless we are killed: `put_back` is for that.
    """
    ref = HEADS + at.branch
    changes = [Change(ref, sha, at.sha)]
    if at.checkout:
        changes.append(Change("ORIG_HEAD", at.sha, ""))  # where people look for the way back
        _look_anew(at.checkout)
    with refs.locked(at.checkout or directory, why, changes) as change:
        if _checkout(directory, ref) != at.checkout:
            raise WorktreeRefused(f"{at.checkout or 'somebody'} has just changed branches.")
        try:
            if at.checkout:
                _write(at.checkout, at.sha, sha)
            change()
        except BaseException as error:
            is_in = _tip(directory, ref) == sha
            if not is_in and at.checkout:
                with suppress(WorktreeRefused):  # then `put_back` finds it
                    _write(at.checkout, sha, at.sha)
            # A hook that is told afterwards may fail, or hang: that changes nothing any more.
            if not is_in or not isinstance(error, WorktreeRefused):
                raise


def revert(directory: str, branch: str, sha: str, before: str) -> str:
    """Moves a branch back from a commit, with the checkout that has it by now; gives that, or
    nothing. Raises WorktreeRefused when it has gone on since, or files with changes of their own
    are in the way.
    """
    at = target(directory, branch)
    if at.sha != sha:
        raise WorktreeRefused(f"{at.branch} has gone on since.")
    move(directory, at, before, f"take back {sha[:12]}")
    return at.checkout


def put_back(directory: str, branch: str, sha: str, before: str) -> str:
    """Where a move was cut off before the branch had moved, its checkout gets the files again that
    the branch has; where nothing was written, that changes nothing. Gives why it can't be, when
    somebody has changed such files since. Raises WorktreeRefused when git is still at work there.
    """
    if _tip(directory, bases.local_branch(directory, branch)) != before:
        return ""  # it has gone on: what lies there is somebody's
    checkout = target(directory, branch).checkout
    if not checkout:
        return ""
    lock = run(checkout, "rev-parse", "--path-format=absolute", "--git-path", "index.lock")
    if os.path.lexists(lock):
        raise WorktreeRefused(f"git is at work in {checkout}, or was ended there: {lock} exists.")
    _look_anew(checkout)
    if _is_written(checkout, sha, before):
        try:
            _write(checkout, sha, before)
        except WorktreeRefused as error:
            return str(error)
    return ""


def stands_at(directory: str, branch: str) -> str:
    """The commit of a branch; empty when there is none of that name."""
    return _tip(directory, HEADS + branch)


def contains(directory: str, branch: str, sha: str) -> bool:
    """Whether a commit is the one that a branch, or another commit, stands at, or one before.
    Raises WorktreeRefused when git doesn't know one of them.
    """
    said = ask(directory, "merge-base", "--is-ancestor", sha, branch)
    if said.code not in (0, 1):
        raise WorktreeRefused(f"git merge-base failed: {last_line(said.error)}")
    return said.code == 0


def files_between(directory: str, before: str, after: str) -> str:
    """Which files a commit changed, and how much."""
    return run(directory, "diff", "--stat=100", "--no-color", "--no-ext-diff", before, after)


def _checkout(directory: str, ref: str) -> str:
    """Where a branch is checked out, found by looking there; empty when nowhere. Raises
    WorktreeRefused when that can't be known, or is more than one place.
    """
    name = ref.removeprefix(HEADS)
    found = [
        worktree.path for worktree in trees.listed(directory)[1:] if HEADS + worktree.branch == ref
    ]
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


def _look_anew(checkout: str) -> None:
    """A file that was only touched would be taken for changed."""
    ask(checkout, "update-index", "-q", "--refresh")


def _write(checkout: str, before: str, after: str) -> None:
    """Files and index go from one commit to another: all that differ, or none. Files that are at
    the other one already stay.
    """
    said = ask(checkout, "read-tree", "-m", "-u", before, after)
    if said.code:
        raise WorktreeRefused(f"git read-tree failed: {last_line(said.error)}", said.error)


def _is_written(checkout: str, sha: str, before: str) -> bool:
    """Whether a file of a move stands in the index as it would be there after it."""
    listed = ("--name-only", "--no-renames", "-z")
    moved = names(checkout, "diff-tree", "-r", *listed, before, sha)
    staged = names(checkout, "diff-index", "--cached", *listed, before)
    return not set(moved).isdisjoint(staged)


def _tip(directory: str, ref: str) -> str:
    return attempt(directory, "rev-parse", "--verify", "--quiet", ref) if ref else ""


def _is_being_rebased(directory: str, branch: str) -> bool:
    common = Path(run(directory, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    for place in (common, *common.glob("worktrees/*")):
        for state in ("rebase-merge", "rebase-apply"):
            file = place / state / "head-name"
            if file.is_file() and file.read_text("utf-8", "replace").strip() == HEADS + branch:
                return True
    return False
