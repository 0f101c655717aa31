"""What really lies in a worker's directory."""

from __future__ import annotations

from typing import NamedTuple

from worker_manager.errors import NotARepository, WorktreeRefused
from worker_manager.worktrees.git import run


class Work(NamedTuple):
    """What a worker's directory holds beyond its base."""

    head: str
    commits: int
    diffstat: str
    uncommitted: int


class Progress(NamedTuple):
    """Commits since the base; files that differ from it, committed or not."""

    commits: int
    files: int


def uncommitted(path: str) -> int:
    """How many files have changes that no commit holds."""
    return len(run(path, "status", "--porcelain", "--untracked-files=all").splitlines())


def progress(path: str, base_sha: str) -> Progress | None:
    """How far a worker's directory has come from its base; None when git doesn't say."""
    try:
        commits = int(run(path, "rev-list", "--count", f"{base_sha}..HEAD"))
        changed = run(path, "diff", "--name-only", base_sha).splitlines()
        new = run(path, "ls-files", "--others", "--exclude-standard").splitlines()
    except (NotARepository, WorktreeRefused):
        return None
    return Progress(commits, len(changed) + len(new))


def describe(path: str, base_sha: str) -> Work:
    """What lies in a worker's directory now. Raises WorktreeRefused."""
    head = run(path, "rev-parse", "HEAD")
    if not base_sha:
        return Work(head, 0, "", uncommitted(path))
    commits = int(run(path, "rev-list", "--count", f"{base_sha}..HEAD"))
    diffstat = run(path, "diff", "--stat", "--no-color", f"{base_sha}..HEAD")
    return Work(head, commits, diffstat, uncommitted(path))
