"""Making worktrees and branches of workers, and taking them back."""

from __future__ import annotations

import os
from pathlib import Path

from worker_manager.errors import NotARepository, WorktreeRefused
from worker_manager.worktrees.git import attempt, run

BRANCHES = "refs/heads/worker/"


def branches(project: str) -> frozenset[str] | None:
    """The names of the workers' branches that exist; None when git didn't say."""
    try:
        listed = run(project, "for-each-ref", "--format=%(refname:lstrip=2)", BRANCHES)
    except (NotARepository, WorktreeRefused):
        return None
    return frozenset(listed.splitlines())


def create(checkout: Path, path: Path, branch: str, base_sha: str) -> None:
    """A new worktree below the checkout, on a new branch. Raises WorktreeRefused; then neither is
    left that was not there before.
    """
    _require_inside(checkout, path.parent)
    _exclude(checkout, path.parent.relative_to(checkout).as_posix())
    was_there = os.path.lexists(path)
    try:
        _add(checkout, "-b", branch, "--", str(path), base_sha)
    except WorktreeRefused as error:
        if not was_there:
            attempt(str(checkout), "worktree", "remove", "--force", "--", str(path))
        if "a branch named" not in str(error):  # else it is somebody's
            attempt(str(checkout), "update-ref", "-d", f"refs/heads/{branch}", base_sha)
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
    run(str(checkout), "worktree", "prune")
    _add(checkout, "--", str(path), branch)


def _add(checkout: Path, *arguments: str) -> None:
    """Writes the files on all cores, unless told otherwise, and asks no network for large files."""
    is_set = attempt(str(checkout), "config", "checkout.workers")
    run(
        str(checkout),
        "worktree",
        "add",
        "--quiet",
        *arguments,
        environment={"GIT_LFS_SKIP_SMUDGE": "1"},
        settings={} if is_set else {"checkout.workers": "0"},
    )


def _require_inside(checkout: Path, directory: Path) -> None:
    real = os.path.realpath(directory)
    if not Path(real).is_relative_to(os.path.realpath(checkout)):
        raise WorktreeRefused(
            f"{directory} leads out of {checkout}, to {real}: no worktree is made there. Remove "
            "the link, or set worktree.directory to a directory inside of the checkout."
        )


def _exclude(checkout: Path, directory: str) -> None:
    """Keeps the worktrees out of the repository's status, without touching its files."""
    common = run(str(checkout), "rev-parse", "--path-format=absolute", "--git-common-dir")
    path = Path(common) / "info" / "exclude"
    line = f"/{directory}/"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    if line not in lines:
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(("" if not lines else "\n") + line + "\n")
