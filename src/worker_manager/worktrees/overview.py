"""What git has of many workers, asked in a few questions however many there are: a process for each
worker takes minutes for thousands.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from worker_manager.worktrees.git import run
from worker_manager.worktrees.trees import HEADS, Listed, listed


class Overview(NamedTuple):
    """A repository at one moment: its worktrees, the first of which is the main one; by the real
    path of a worktree, which may be gone, git's own directory for it; where branches
    stand, by their names.
    """

    directory: str
    places: tuple[Listed, ...]
    admins: dict[str, str]
    tips: dict[str, str]

    def admin(self, path: str) -> str:
        """Git's own directory of the worktree at a path; empty when it knows none there."""
        return self.admins.get(os.path.realpath(path), "")


def overview(directory: str) -> Overview:
    """Takes three git processes. Raises NotARepository or WorktreeRefused."""
    common = run(directory, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return Overview(directory, tuple(listed(directory)), _admins(common), _tips(directory))


def contained_in(directory: str, sha: str) -> frozenset[str]:
    """The branches that a commit contains: one process for all of them. Raises
    NotARepository or WorktreeRefused.
    """
    form = "--format=%(refname)"
    lines = run(directory, "for-each-ref", form, f"--merged={sha}", "--", HEADS).split("\n")
    return frozenset(line.removeprefix(HEADS) for line in lines if line)


def _tips(directory: str) -> dict[str, str]:
    form = "--format=%(objectname) %(refname)"
    lines = run(directory, "for-each-ref", form, "--", HEADS).split("\n")
    pairs = [line.partition(f" {HEADS}") for line in lines if line]
    return {name: sha for sha, _, name in pairs}


def _admins(common: str) -> dict[str, str]:
    found = {}
    for file in Path(common, "worktrees").glob("*/gitdir"):
        try:
            named = os.fsdecode(file.read_bytes().rstrip(b"\n"))
        except OSError:
            continue  # it goes at this moment
        place = os.path.realpath(file.parent / os.path.dirname(named))
        found[place] = str(file.parent)
    return found
