"""A worker's own worktree: a value that is made only by looking.

git asked in a directory climbs until it finds a repository. Where a worktree was emptied, replaced
or taken for a checkout around it, it would answer for somebody else's. So all that is done to a
worker's files is given this value, and not a path.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import WorktreeGone, WorktreeRefused
from worker_manager.worktrees.git import ask, last_line

#: A file that we leave in git's own directory of a worktree: it was made for the branch it names.
MARKER = "worker-manager"
#: What git writes as the reason of its lock before anything else of a worktree: the mark of one
#: whose start was killed before it had MARKER. Behind it stands the branch.
BEGUN = "worker-manager makes it for "
_POINTER = b"gitdir: "


class Worktree(NamedTuple):
    """Its directory, where git keeps what it knows of it, and the branch that it was made for. Of
    a worker that shares the checkout the last two are empty.
    """

    path: str
    admin: str
    branch: str


def look(path: str, branch: str) -> Worktree:
    """The worktree of a worker with this branch; without one, the checkout that it shares. One git
    process. Raises WorktreeGone when something else is there, or nothing; NotARepository or
    WorktreeRefused when git does not answer.
    """
    if not branch:
        return Worktree(path, "", "")
    admin = pointed_at(path)
    if not is_marked(admin, branch):
        raise _gone(path, branch)
    said = ask(path, "rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir")
    # The last line feed is git's; what else there is may be part of a name.
    expected = f"{os.path.realpath(path)}\n{admin}\n"
    if said.code:
        raise WorktreeRefused(f"git does not say what {path} is: {last_line(said.error)}")
    if said.text != expected:
        raise _gone(path, branch)
    return Worktree(path, admin, branch)


def stands(path: str, branch: str) -> bool:
    """As `look`, by files alone: for those who can't wait for git."""
    return is_marked(pointed_at(path), branch)


def pointed_at(path: str) -> str:
    """The git directory that the `.git` file of a worktree names; empty when there is none."""
    if os.path.islink(path):
        return ""
    try:
        named = Path(path, ".git").read_bytes()
    except OSError:
        return ""
    if not named.startswith(_POINTER):
        return ""
    return os.path.realpath(
        os.path.join(path, os.fsdecode(named.removeprefix(_POINTER).rstrip(b"\n")))
    )


def is_marked(admin: str, branch: str) -> bool:
    """Whether we made the worktree for that branch, or began to."""
    return bool(admin and branch) and branch in (_text_in(admin, MARKER), _begun(admin))


def mark(admin: str, branch: str) -> None:
    """From now on it is ours. Raises WorktreeRefused."""
    if not admin:
        raise WorktreeRefused(f"git has not made the worktree of {branch}.")
    try:
        Path(admin, MARKER).write_bytes(os.fsencode(branch))
        if _begun(admin) == branch:
            Path(admin, "locked").unlink()
    except OSError as error:
        raise WorktreeRefused(f"{admin} can't be written to: {error.strerror}.") from error


def complete_mark(admin: str) -> None:
    """Marks it when that was begun. Raises WorktreeRefused."""
    if admin and _begun(admin):
        mark(admin, _begun(admin))


def _begun(admin: str) -> str:
    reason = _text_in(admin, "locked")
    return reason.removeprefix(BEGUN) if reason.startswith(BEGUN) else ""


def _text_in(admin: str, name: str) -> str:
    try:
        return os.fsdecode(Path(admin, name).read_bytes()).removesuffix("\n")
    except OSError:
        return ""


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
        f"{path} is no worktree of {branch} any more: {found}. Nothing there was touched; "
        "restore_worker makes it one again, and moves aside what is in the way."
    )
