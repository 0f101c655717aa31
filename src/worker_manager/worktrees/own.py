"""A worker's own worktree: a value that is made only by looking.

git asked in a directory climbs until it finds a repository. Where a worktree was emptied, replaced
or taken for a checkout around it, it would answer for somebody else's. So all that is done to a
worker's files is given this value, and not a path.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from worker_manager.errors import Text, WorktreeGone, WorktreeRefused, step
from worker_manager.worktrees import marks
from worker_manager.worktrees.git import ask, last_line


class Worktree(NamedTuple):
    """A worker's worktree: its directory, git's own directory for it, and its branch. `admin` and
    `branch` are empty for a worker that shares the checkout.
    """

    path: str
    admin: str
    branch: str

    @property
    def place(self) -> tuple[str, str]:
        """Options with which git looks nowhere else."""
        return f"--git-dir={self.admin}", f"--work-tree={self.path}"


def look(path: str, branch: str) -> Worktree:
    """The worktree of a worker with this branch; without one, the checkout that it shares. One git
    process. Raises WorktreeGone when something else is there, or nothing; NotARepository or
    WorktreeRefused when git does not answer.
    """
    if not branch:
        return Worktree(path, "", "")
    admin = marks.pointed_at(path)
    if not _is_its_own(admin, branch):
        raise _gone(path, branch)
    said = ask(path, "rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir")
    # The last line feed is git's; what else there is may be part of a name.
    expected = f"{os.path.realpath(path)}\n{admin}\n"
    if said.code:
        raise WorktreeRefused(f"git does not say what {path} is: {last_line(said.error)}")
    if said.text != expected:
        raise _gone(path, branch)
    return Worktree(path, admin, branch)


def seen(path: str, branch: str) -> Worktree | None:
    """The worktree of a worker with this branch as far as files tell, for figures of it: git has to
    be told which one is meant, by `place`. None when something else is there, or nothing.
    """
    admin = marks.pointed_at(path)
    return Worktree(path, admin, branch) if _is_its_own(admin, branch) else None


def stands(path: str, branch: str) -> bool:
    """Returns True if the worktree at `path` is marked as made for `branch`, and git can be asked
    there. Reads files only, runs no git.
    """
    return _is_its_own(marks.pointed_at(path), branch)


def _is_its_own(admin: str, branch: str) -> bool:
    return marks.is_marked(admin, branch) and marks.is_sound(admin)


def _gone(path: str, branch: str) -> WorktreeGone:
    if os.path.islink(path):
        found = "a symbolic link lies there, which is not followed"
    elif not os.path.lexists(path):
        found = "nothing lies there"
    elif not os.path.lexists(os.path.join(path, ".git")):
        found = "its .git file is gone"
    else:
        found = "what lies there is another one"
    return WorktreeGone(
        Text(
            f"{path} is no worktree of {branch} any more: {found}. Nothing there was touched; ",
            step("restore"),
            " makes it one again, and moves aside what is in the way.",
        )
    )
