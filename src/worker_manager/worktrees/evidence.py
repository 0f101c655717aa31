"""What really lies in a worker's directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from worker_manager.errors import NotARepository, WorktreeRefused
from worker_manager.worktrees.git import names, run


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


class Change(NamedTuple):
    """A file that no commit holds as it is: git's two letters, and its name."""

    letters: str
    name: str

    @property
    def is_repository(self) -> bool:
        """Whether it is a directory with a repository of its own, which git does not look into."""
        return self.name.endswith("/")


def changes(path: str, environment: Mapping[str, str] | None = None) -> list[Change]:
    """The files that no commit holds as they are, untracked ones too."""
    options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all")
    listed = names(path, "status", *options, environment=environment)
    return [Change(entry[:2], entry[3:]) for entry in listed]


def uncommitted(path: str) -> int:
    """How many files have changes that no commit holds."""
    return len(changes(path))


def progress(path: str, base_sha: str) -> Progress | None:
    """How far a worker's directory has come from its base; None when git doesn't say."""
    try:
        commits = int(run(path, "rev-list", "--count", f"{base_sha}..HEAD"))
        changed = names(path, "diff", "--name-only", "-z", base_sha)
        new = names(path, "ls-files", "-z", "--others", "--exclude-standard")
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
