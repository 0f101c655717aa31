"""What really lies in a worker's directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from worker_manager.errors import NotARepository, WorktreeRefused
from worker_manager.worktrees.git import Said, last_line, names, run

#: How a checkout stands, and each file that no commit holds as it is.
STATUS = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all")
#: How many fields stand before the name of a changed, and of an unmerged file.
_FIELDS = {"1": 8, "u": 10}
#: For each file the lines added and removed; nothing that runs programs.
_COUNTED = ("--numstat", "--no-ext-diff", "--no-textconv", "-z")


class Work(NamedTuple):
    """What a worker's directory holds beyond its base."""

    head: str
    commits: int
    diffstat: str
    uncommitted: int


class Progress(NamedTuple):
    """Commits since the base; files that differ from it, committed or not; lines that were added
    and removed in those that git knows.
    """

    commits: int
    files: int
    added: int
    removed: int


class Change(NamedTuple):
    """A file that no commit holds as it is: git's two letters, and its name."""

    letters: str
    name: str

    @property
    def is_repository(self) -> bool:
        """Whether it is a directory with a repository of its own, which git does not look into."""
        return self.name.endswith("/")


class Standing(NamedTuple):
    """How a checkout stands: its commit, branch and upstream, each empty when there is none; how
    many commits the upstream is ahead; the files that no commit holds as they are.
    """

    head: str
    branch: str
    upstream: str
    behind: int
    changes: tuple[Change, ...]


def standing(said: Said) -> Standing:
    """What git's answer to STATUS tells. Raises WorktreeRefused when it says no."""
    if said.code:
        raise WorktreeRefused(f"git status failed: {last_line(said.error)}")
    facts, found = dict[str, str](), list[Change]()
    for entry in said.text.split("\0")[:-1]:
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            facts[name] = value
        elif kind == "?":
            found.append(Change("??", rest))
        else:
            name = entry.split(" ", _FIELDS[kind])[-1]
            found.append(Change(rest[:2].replace(".", " "), name))
    head, branch = facts.get("branch.oid", ""), facts.get("branch.head", "")
    ahead_behind = facts.get("branch.ab", "").partition(" -")[2]
    return Standing(
        head="" if head == "(initial)" else head,
        branch="" if branch == "(detached)" else branch,
        upstream=facts.get("branch.upstream", ""),
        behind=int(ahead_behind or 0),
        changes=tuple(found),
    )


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
        changed = _counts(names(path, "diff", *_COUNTED, base_sha))
        new = names(path, "ls-files", "-z", "--others", "--exclude-standard")
    except (NotARepository, WorktreeRefused):
        return None
    added, removed = (sum(column) for column in zip((0, 0), *changed, strict=True))
    return Progress(commits, len(changed) + len(new), added, removed)


def describe(path: str, base_sha: str) -> Work:
    """What lies in a worker's directory now. Raises WorktreeRefused."""
    head = run(path, "rev-parse", "HEAD")
    if not base_sha:
        return Work(head, 0, "", uncommitted(path))
    commits = int(run(path, "rev-list", "--count", f"{base_sha}..HEAD"))
    diffstat = run(path, "diff", "--stat", "--no-color", f"{base_sha}..HEAD")
    return Work(head, commits, diffstat, uncommitted(path))


def _counts(listed: Iterable[str]) -> list[tuple[int, int]]:
    """Lines added and removed in each file; a file that is no text has none."""
    entries = iter(listed)
    found = []
    for entry in entries:
        added, removed, name = entry.split("\t", 2)
        if not name:  # renamed: its names follow
            next(entries), next(entries)
        found.append((int(added.strip("-") or 0), int(removed.strip("-") or 0)))
    return found
