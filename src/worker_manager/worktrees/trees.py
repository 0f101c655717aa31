"""Creates, reopens and removes worktrees and branches of workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import NotARepository, WorktreeRefused
from worker_manager.worktrees import baseline, evidence, fresh, marks
from worker_manager.worktrees.bases import HEADS as HEADS
from worker_manager.worktrees.bases import Checkout
from worker_manager.worktrees.excludes import exclude
from worker_manager.worktrees.git import attempt, known, run


class Listed(NamedTuple):
    """A worktree that git lists. `branch` is empty when its HEAD is detached, `locked` is the
    reason of its lock or empty.
    """

    path: str
    branch: str
    locked: str


def listed(directory: str) -> list[Listed]:
    """Returns the repository's worktrees, the main one first. Raises WorktreeRefused."""
    found = []
    for block in run(directory, "worktree", "list", "--porcelain", "-z").split("\0\0"):
        facts = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
        if facts:
            branch = facts.get("branch", "").removeprefix(HEADS)
            locked = facts.get("locked", "") or ("locked" if "locked" in facts else "")
            if locked.startswith(marks.BEGUN):  # ours, of a start that was killed: nobody's wish
                locked = ""
            found.append(Listed(facts["worktree"], branch, locked))
    return found


def tips(directory: str, branches: Sequence[str]) -> dict[str, str]:
    """Returns the sha of each of the branches that exist, by name."""
    form = "--format=%(objectname) %(refname)"
    lines = run(directory, "for-each-ref", form, "--", *(HEADS + name for name in branches))
    pairs = [line.partition(f" {HEADS}") for line in lines.split("\n") if line]
    return {name: sha for sha, _, name in pairs if name in branches}


def tip_stamp(common: str, branches: Sequence[str]) -> tuple[object, ...]:
    """Returns a stamp that differs whenever one of the branches has moved, from the files of git's
    directory `common`, without a git process. Empty where refs are in no such files.
    """
    if os.path.isdir(os.path.join(common, "reftable")):
        return ()
    loose = [_content(os.path.join(common, HEADS, name)) for name in branches]
    if any(content.startswith(b"ref:") for content in loose):  # another one moves in its place
        return ()
    try:
        packed = os.stat(os.path.join(common, "packed-refs"))
    except FileNotFoundError:
        return (*branches, *loose)
    return (*branches, *loose, packed.st_ino, packed.st_mtime_ns, packed.st_size)


def _content(path: str) -> bytes:
    """Returns a file's content; empty when it is not there."""
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return b""


def admin_directory(directory: str, path: str) -> str:
    """Returns git's own directory for the worktree at `path`, which may be gone; empty when git
    knows none.
    """
    common = run(directory, "rev-parse", "--path-format=absolute", "--git-common-dir")
    wanted = os.path.join(os.path.realpath(path), ".git")
    for file in Path(common, "worktrees").glob("*/gitdir"):
        named = os.fsdecode(file.read_bytes().rstrip(b"\n"))
        if os.path.realpath(file.parent / named) == wanted:  # git may be set to write it relative
            return str(file.parent)
    return ""


def names_in(directory: str) -> frozenset[str]:
    """Returns the names in a directory; empty when there is none. Checking many names needs one
    call.
    """
    try:
        return frozenset(os.listdir(directory))
    except OSError:
        return frozenset()


def existing(project: str, git_directory: str, wanted: Collection[str]) -> frozenset[str] | None:
    """Returns which of the branches exist; None when git doesn't answer. Runs git only when a
    branch has no file of its own: it may be packed, or refs may not be files.
    """
    folders = {os.path.dirname(name) for name in wanted}
    files = {
        os.path.join(folder, name)
        for folder in folders
        for name in names_in(os.path.join(git_directory, HEADS, folder))
    }
    if files.issuperset(wanted):
        return frozenset(wanted)
    try:
        places = [HEADS + folder for folder in folders]
        names = run(project, "for-each-ref", "--format=%(refname:lstrip=2)", *places)
    except (NotARepository, WorktreeRefused):
        return None
    return frozenset(names.splitlines())


def create(
    ground: Checkout,
    path: Path,
    branch: str,
    base_sha: str,
    meanwhile: Callable[[], None] = lambda: None,
) -> str:
    """Creates a worktree below the checkout, on a new branch; `meanwhile` runs while git does.
    Returns the directory of its hooks, of which none has run: call `fresh.finish` next. Raises
    WorktreeRefused, and what `meanwhile` raises; then a worktree or branch that was not there
    before is removed.
    """
    failed = list[BaseException]()

    def guarded() -> None:
        try:
            meanwhile()
        except BaseException as error:  # noqa: BLE001  raised below
            # Git goes on: what it makes is known then, and taken back. Ended by a signal it may
            # leave the branch's lock, and with it the branch.
            failed.append(error)

    checkout = ground.main
    _require_inside(checkout, path.parent)
    exclude(ground.common, path.parent.relative_to(checkout).as_posix())
    is_free = _is_free(path)
    try:
        hooks = _make(checkout, path, branch, ("-b", branch), base_sha, guarded)
        if failed:
            raise failed[0]
    except BaseException as error:
        if is_free:
            _remove_created(checkout, path, branch)
        if "a branch named" not in str(error):  # else it is somebody's
            attempt(str(checkout), "update-ref", "-d", f"refs/heads/{branch}", base_sha)
        raise
    return hooks


def remove_unused(checkout: Path, path: Path, branch: str, base_sha: str) -> None:
    """Removes a worktree and branch that `create` has just made and nobody has used, with the files
    copied into it. Raises WorktreeRefused when there is anything else in it.
    """
    # Without --force git refuses every worktree with submodules.
    changes = evidence.changes(str(path))
    used = baseline.of_worker(marks.pointed_at(str(path)), str(path), changes)
    force = [] if used else ["--force"]
    run(str(checkout), "worktree", "remove", *force, "--", str(path))
    run(str(checkout), "update-ref", "-d", f"refs/heads/{branch}", base_sha)


def remove_begun(checkout: Path, path: Path, branch: str, base_sha: str) -> None:
    """Takes back what a `create` that was killed has left: a worktree in which nothing has run, and
    the branch where it still is at its base. What is somebody else's stays. Raises WorktreeRefused.
    """
    sha = known(str(checkout), "rev-parse", "--verify", "--quiet", HEADS + branch)
    if not sha and not os.path.lexists(path):
        return
    admin = admin_directory(str(checkout), str(path))
    if marks.is_marked(admin, branch):
        forget(checkout, path, branch)
    if sha == base_sha:
        run(str(checkout), "update-ref", "-d", HEADS + branch, base_sha)


def reopen(checkout: Path, path: Path, branch: str) -> list[str]:
    """Creates a worker's worktree again, on its existing branch. Returns notes for the user. Raises
    WorktreeRefused; then there is no worktree, as before.
    """
    _require_inside(checkout, path.parent)
    if admin_directory(str(checkout), str(path)):
        forget(checkout, path, branch)
    is_free = _is_free(path)
    try:
        _make(checkout, path, branch, (), branch, lambda: None)
        return fresh.finish(path, run(str(path), "rev-parse", "HEAD"))
    except BaseException:
        if is_free:
            _remove_created(checkout, path, branch)
        raise


def forget(checkout: Path, path: Path, branch: str) -> None:
    """Unregisters a worktree of ours whose directory is gone. Only this one: `git worktree prune`
    would also drop those on a disk that is not mounted at the moment. Raises WorktreeRefused.
    """
    admin = admin_directory(str(checkout), str(path))
    if not marks.is_marked(admin, branch):
        raise WorktreeRefused(
            f"git knows a worktree at {path} that was not made for {branch}: remove it by git "
            "worktree remove, or, where it was moved, tell git by git worktree repair."
        )
    marks.complete_mark(admin)  # git removes nothing that is locked
    run(str(checkout), "worktree", "remove", "--force", "--", str(path))


def _make(
    checkout: Path,
    path: Path,
    branch: str,
    options: Sequence[str],
    start: str,
    meanwhile: Callable[[], None],
) -> str:
    """Registers the worktree, marks it as ours, verifies it, and fills it. Killed at any point,
    what exists is known to be ours.
    """
    lock = ("--lock", "--reason", marks.BEGUN + branch)
    add = ("worktree", "add", "--quiet", "--no-checkout", *lock, *options, "--", str(path), start)
    run(str(checkout), *add)

    hooks = list[str]()

    def look() -> None:
        hooks.append(fresh.require_registered(path))
        meanwhile()

    marks.mark(marks.pointed_at(str(path)), branch)
    fresh.fill(checkout, path, look)
    return hooks[0]


def _remove_created(checkout: Path, path: Path, branch: str) -> None:
    with suppress(WorktreeRefused):  # there may be nothing yet
        forget(checkout, path, branch)


def _is_free(path: Path) -> bool:
    """Returns True if git would create a worktree there."""
    return not os.path.lexists(path) or (path.is_dir() and not names_in(str(path)))


def _require_inside(checkout: Path, directory: Path) -> None:
    real = os.path.realpath(directory)
    if not Path(real).is_relative_to(os.path.realpath(checkout)):
        raise WorktreeRefused(
            f"{directory} leads out of {checkout}, to {real}: no worktree is made there. Remove "
            "the link, or set worktree.directory to a directory inside of the checkout."
        )
