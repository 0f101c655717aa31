"""The marks by which a worktree is known as ours, read and written as files: hooks can't wait for
git. Standard library only.
"""

from __future__ import annotations

import os
from pathlib import Path

from worker_manager.errors import WorktreeRefused

#: A file that we leave in git's own directory of a worktree: it was made for the branch it names.
MARKER = "worker-manager"
#: What git writes as the reason of its lock before anything else of a worktree: the mark of one
#: whose start was killed before it had MARKER. Behind it stands the branch.
BEGUN = "worker-manager makes it for "
_POINTER = b"gitdir: "


def pointed_at(path: str) -> str:
    """The git directory that the `.git` file of a worktree names; empty when there is none."""
    pointer = os.path.join(path, ".git")
    if os.path.islink(path) or not os.path.isfile(pointer):  # a pipe would keep us waiting
        return ""
    try:
        named = Path(pointer).read_bytes()
    except OSError:
        return ""
    if not named.startswith(_POINTER):
        return ""
    return os.path.realpath(
        os.path.join(path, os.fsdecode(named.removeprefix(_POINTER).rstrip(b"\n")))
    )


def is_sound(admin: str) -> bool:
    """Whether git's own directory of a worktree leads to the repository that it lies in. Who may
    write in it could name another one, whose settings run commands: git must not be asked there.
    """
    if not admin:
        return False
    real = os.path.realpath(admin)
    common = os.path.realpath(os.path.join(real, _text_in(real, "commondir")))
    return common == os.path.dirname(os.path.dirname(real))


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
    file = Path(admin, name)
    try:
        # A pipe would keep us waiting.
        return os.fsdecode(file.read_bytes()).removesuffix("\n") if file.is_file() else ""
    except OSError:
        return ""


def is_ours(path: str) -> bool:
    """Whether a directory still is the worktree that we made there, for whatever branch."""
    admin = pointed_at(path)
    back = os.path.join(admin, _text_in(admin, "gitdir")) if admin else ""
    own = os.path.realpath(os.path.join(path, ".git"))
    marked = bool(_text_in(admin, MARKER) or _begun(admin)) if admin else False
    return marked and os.path.realpath(back) == own


def settings_directory(directory: str) -> str:
    """Where the committed settings for a directory lie: for one in a worktree of ours at the same
    place in the checkout around it, as else a worker could write commands there that run with the
    rights of whoever calls us from there. For any other it is the directory itself.
    """
    start = Path(os.path.realpath(directory))
    ours = [one for one in (start, *start.parents) if is_ours(str(one))]
    if not ours:
        return directory
    top = ours[-1]  # a worker may make a repository, and worktrees, in its own one
    common = _common(top)
    around = (one for one in top.parents if (one / ".git").exists() and _common(one) == common)
    return str(next(around, Path(common).parent) / start.relative_to(top))


def _common(top: Path) -> str:
    """The git directory that all worktrees of a checkout's repository share."""
    admin = pointed_at(str(top)) or str(top / ".git")
    return os.path.realpath(os.path.join(admin, _text_in(admin, "commondir")))
