"""Making worktrees and branches of workers, and taking them back."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import NotARepository, WorkerManagerError, WorktreeRefused
from worker_manager.worktrees import own
from worker_manager.worktrees.bases import Ground
from worker_manager.worktrees.git import attempt, run

HEADS = "refs/heads/"
BRANCHES = "refs/heads/worker/"
#: Of git's list of files (index) when they are fewer than the 100 that are worth several processes.
FEW_BYTES = 6_400


class Listed(NamedTuple):
    """A worktree that git knows; the first is the repository's main one. `branch` is empty when
    its HEAD is detached, `locked` is empty or says why it is.
    """

    path: str
    branch: str
    locked: str


def listed(directory: str) -> list[Listed]:
    """The repository's worktrees."""
    found = []
    for block in run(directory, "worktree", "list", "--porcelain", "-z").split("\0\0"):
        facts = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
        if facts:
            branch = facts.get("branch", "").removeprefix(HEADS)
            locked = facts.get("locked", "") or ("locked" if "locked" in facts else "")
            found.append(Listed(facts["worktree"], branch, locked))
    return found


def tips(directory: str, branches: Sequence[str]) -> dict[str, str]:
    """Where those of the branches stand that exist."""
    form = "--format=%(objectname) %(refname)"
    lines = run(directory, "for-each-ref", form, "--", *(HEADS + name for name in branches))
    pairs = [line.partition(f" {HEADS}") for line in lines.split("\n") if line]
    return {name: sha for sha, _, name in pairs if name in branches}


def admin_directory(directory: str, path: str) -> str:
    """Where git keeps what it knows of the worktree at a path, which may be gone; or nothing."""
    common = run(directory, "rev-parse", "--path-format=absolute", "--git-common-dir")
    wanted = os.path.join(os.path.realpath(path), ".git")
    for file in Path(common, "worktrees").glob("*/gitdir"):
        named = os.fsdecode(file.read_bytes().rstrip(b"\n"))
        if os.path.realpath(file.parent / named) == wanted:  # git may be set to write it relative
            return str(file.parent)
    return ""


def names_in(directory: str) -> frozenset[str]:
    """What lies in a directory; nothing when there is none. Of many one question is cheaper."""
    try:
        return frozenset(os.listdir(directory))
    except OSError:
        return frozenset()


def existing(project: str, git_directory: str, wanted: Collection[str]) -> frozenset[str] | None:
    """Which of these workers' branches exist; None when git didn't say. git is asked only when one
    has no file of its own: it may have packed that one, or keep none in files.
    """
    prefix = BRANCHES.removeprefix(HEADS)
    files = {f"{prefix}{name}" for name in names_in(os.path.join(git_directory, BRANCHES))}
    if files.issuperset(wanted):
        return frozenset(wanted)
    try:
        names = run(project, "for-each-ref", "--format=%(refname:lstrip=2)", BRANCHES)
    except (NotARepository, WorktreeRefused):
        return None
    return frozenset(names.splitlines())


def create(
    ground: Ground,
    path: Path,
    branch: str,
    base_sha: str,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """A new worktree below the checkout, on a new branch; `meanwhile` is done while git makes it.
    Raises WorktreeRefused, and what `meanwhile` raises; then neither is left that was not there
    before.
    """
    failed = list[WorkerManagerError]()

    def guarded() -> None:
        try:
            meanwhile()
        except WorkerManagerError as error:
            failed.append(error)  # git goes on: what it makes is known then, and taken back

    checkout = ground.checkout
    _require_inside(checkout, path.parent)
    _exclude(ground.common, path.parent.relative_to(checkout).as_posix())
    was_there = os.path.lexists(path)
    try:
        _add(checkout, "-b", branch, "--", str(path), base_sha, meanwhile=guarded)
    except BaseException as error:
        if not was_there:
            attempt(str(checkout), "worktree", "remove", "--force", "--", str(path))
        if "a branch named" not in str(error):  # else it is somebody's
            attempt(str(checkout), "update-ref", "-d", f"refs/heads/{branch}", base_sha)
        raise
    try:
        if failed:
            raise failed[0]
        own.mark(own.pointed_at(str(path)), branch)
    except (OSError, WorkerManagerError):
        remove_unused(checkout, path, branch, base_sha)
        raise


def remove_unused(checkout: Path, path: Path, branch: str, base_sha: str) -> None:
    """Takes back a worktree that `create` has just made and nobody has used. What was copied into
    it goes too; git itself refuses when there is anything else.
    """
    # Without --force git refuses every worktree with submodules.
    status = run(str(path), "status", "--porcelain", "--untracked-files=all")
    force = [] if status else ["--force"]
    run(str(checkout), "worktree", "remove", *force, "--", str(path))
    run(str(checkout), "update-ref", "-d", f"refs/heads/{branch}", base_sha)


def reopen(checkout: Path, path: Path, branch: str) -> None:
    """Makes a worker's worktree again, on its branch. Raises WorktreeRefused."""
    _require_inside(checkout, path.parent)
    if admin_directory(str(checkout), str(path)):
        forget(checkout, path)
    _add(checkout, "--", str(path), branch)
    own.mark(own.pointed_at(str(path)), branch)


def forget(checkout: Path, path: Path) -> None:
    """Has git forget a worktree that is gone. Of it alone: `prune` would forget those, too, that
    lie on a disk which isn't there at the moment.
    """
    run(str(checkout), "worktree", "remove", "--force", "--", str(path))


def _add(checkout: Path, *arguments: str, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Writes the files on all cores, unless told otherwise, and asks no network for large files."""
    more = ["-c", "checkout.workers=0"] if _may_use_all_cores(checkout) else []
    skip_large = {"GIT_LFS_SKIP_SMUDGE": "1"}
    add = (*more, "worktree", "add", "--quiet", *arguments)
    run(str(checkout), *add, environment=skip_large, meanwhile=meanwhile)


def _may_use_all_cores(checkout: Path) -> bool:
    """Of a few files git writes each itself: then it is not even asked what it is set to."""
    with suppress(OSError):
        if (checkout / ".git" / "index").stat().st_size < FEW_BYTES:
            return False
    return not attempt(str(checkout), "config", "checkout.workers")


def _require_inside(checkout: Path, directory: Path) -> None:
    real = os.path.realpath(directory)
    if not Path(real).is_relative_to(os.path.realpath(checkout)):
        raise WorktreeRefused(
            f"{directory} leads out of {checkout}, to {real}: no worktree is made there. Remove "
            "the link, or set worktree.directory to a directory inside of the checkout."
        )


def _exclude(common: str, directory: str) -> None:
    """Keeps the worktrees out of the repository's status, without touching its files."""
    path = Path(common) / "info" / "exclude"
    line = f"/{directory}/"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    if line not in lines:
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(("" if not lines else "\n") + line + "\n")
