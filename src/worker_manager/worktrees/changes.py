"""Which files differ: in a worker's directory from its base, in a checkout from before."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from worker_manager.worktrees import evidence
from worker_manager.worktrees.git import names

#: What differs from the last commit of a checkout, and a fingerprint of each file's content.
Look = Mapping[str, str]


class Changes(NamedTuple):
    """Paths: committed since the base; changed, and new, without a commit."""

    committed: tuple[str, ...]
    modified: tuple[str, ...]
    untracked: tuple[str, ...]


def since(path: str, base_sha: str) -> Changes:
    """What was changed in a directory; without a base, what no commit holds. Raises
    WorktreeRefused or NotARepository.
    """
    committed = _diff(path, f"{base_sha}...HEAD") if base_sha else ()
    states = evidence.changes(path)
    untracked = tuple(one.name for one in states if one.letters == "??")
    modified = tuple(one.name for one in states if one.letters != "??")
    return Changes(committed, modified, untracked)


def look(checkout: str, seen: Sequence[evidence.Change] | None = None) -> dict[str, str]:
    """How a checkout stands now, for `differing`; `seen` are its changes where git was asked just
    now. Raises WorktreeRefused or NotARepository.
    """
    found = evidence.changes(checkout) if seen is None else seen
    return {
        one.name: f"{one.letters} {_fingerprint(os.path.join(checkout, one.name))}" for one in found
    }


def differing(before: Look, after: Look) -> list[str]:
    """The files that were changed between two looks."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _diff(path: str, commits: str) -> tuple[str, ...]:
    return tuple(names(path, "diff", "--name-only", "--no-renames", "-z", commits))


def _fingerprint(path: str) -> str:
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size} {status.st_mode}"
