"""Commits that only git's own directory of a worktree names, or a reflog: they go with it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from worker_manager.worktrees.git import known, run

_SHA = re.compile(rb"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])")
#: In there lie no names of commits: the index, objects, and whole repositories of submodules.
_OTHERS = ("index", "modules", "objects")


def commits(directory: str, branch: str, admin: str, tips: Collection[str]) -> list[str]:
    """Commits that nothing but the reflog of the branch, or a file of git's own directory of the
    worktree, names, beside `tips` and what these hold; of each line of work the last one.
    """
    candidates = set(ids_in(admin)) if admin else set()
    if known(directory, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"):
        candidates.update(run(directory, "rev-list", "-g", f"refs/heads/{branch}", "--").split())
    there = commits_among(directory, sorted(candidates))
    if not there:
        return []
    lines = [*there, *(f"^{tip}" for tip in tips if tip)]
    asked = "".join(f"{line}\n" for line in lines)
    listed = run(directory, "rev-list", "--parents", "--stdin", stdin=asked).split("\n")
    family = [line.split(" ") for line in listed if line]
    inner = {parent for _, *parents in family for parent in parents}
    return [sha for sha, *_ in family if sha not in inner]


def ids_in(admin: str) -> set[str]:
    """The ids of objects that the files of git's own directory of a worktree name: HEAD and its
    reflog, its own refs, what a rebase has put aside. Raises OSError.
    """
    found: set[bytes] = set()
    for folder, inner, files in os.walk(admin, onerror=_raise):
        inner[:] = [name for name in inner if name not in _OTHERS]
        for name in files:
            if name not in _OTHERS:
                found.update(_SHA.findall(Path(folder, name).read_bytes()))
    return {sha.decode() for sha in found}


def commits_among(directory: str, candidates: Collection[str]) -> list[str]:
    """Returns the ids that are existing commits."""
    asked = "".join(f"{candidate}\n" for candidate in candidates)
    if not asked:
        return []
    said = run(directory, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
    pairs = [line.partition(" ")[::2] for line in said.split("\n")]
    return [sha for sha, kind in pairs if kind == "commit"]


def _raise(error: OSError) -> None:
    raise error
