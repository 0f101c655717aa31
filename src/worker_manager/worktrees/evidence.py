"""Parses `git status` of a checkout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.git import GitResult, last_line, names

_EACH = ("-z", "--no-renames", "--untracked-files=all")
#: Whatever .gitmodules says: submodules are looked at, or for the commit alone that they stand at.
_WHOLE, _OUTSIDE = "--ignore-submodules=none", "--ignore-submodules=dirty"
#: How a checkout stands, and each file that no commit holds as it is.
STATUS = ("status", "--porcelain=v2", "--branch", *_EACH, _WHOLE)
#: How many fields stand before the name of a changed, and of an unmerged file.
_FIELDS = {"1": 8, "u": 10}


class Change(NamedTuple):
    """A file with uncommitted changes: git's two status letters, and its name."""

    letters: str
    name: str

    @property
    def is_repository(self) -> bool:
        """True for a directory with a repository of its own: git does not look into it."""
        return self.name.endswith("/")


class CheckoutStatus(NamedTuple):
    """The state of a checkout: its commit, branch and upstream (each empty when there is none), how
    many commits the upstream is ahead, and the uncommitted changes.
    """

    head: str
    branch: str
    upstream: str
    behind: int
    changes: tuple[Change, ...]


def parse_status(said: GitResult) -> CheckoutStatus:
    """Parses the output of STATUS. Raises WorktreeRefused when git failed."""
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
    return CheckoutStatus(
        head="" if head == "(initial)" else head,
        branch="" if branch == "(detached)" else branch,
        upstream=facts.get("branch.upstream", ""),
        behind=int(ahead_behind or 0),
        changes=tuple(found),
    )


def changes(
    path: str, environment: Mapping[str, str] | None = None, *, inside: bool = True
) -> list[Change]:
    """Returns the uncommitted changes of a checkout: untracked files, and submodules at another
    commit; submodules with changes of their own only if `inside`. Raises WorktreeRefused.
    """
    options = ("--porcelain", *_EACH, _WHOLE if inside else _OUTSIDE)
    listed = names(path, "status", *options, environment=environment)
    return [Change(entry[:2], entry[3:]) for entry in listed]
