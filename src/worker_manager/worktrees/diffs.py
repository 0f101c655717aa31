"""What a worker has changed, committed or not, as text."""

from __future__ import annotations

import os

from worker_manager.worktrees import snapshots
from worker_manager.worktrees.git import attempt, run

#: Whatever a person has set: names and hunks as everybody knows them, nothing that runs programs.
_PLAIN = (
    *("-c", "core.quotePath=false", "diff", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--find-renames", "--patch-with-stat", "--stat=100"),
)


def against_base(checkout: str, path: str, tip: str, base_sha: str) -> str:
    """The diffstat, then the hunks, of a worktree against its base, untracked files included; of
    the commit `tip` when the worktree is gone. Raises WorktreeRefused.
    """
    if not os.path.isdir(path):
        return run(checkout, *_PLAIN, base_sha, tip, "--")
    base = base_sha or attempt(path, "rev-parse", "--verify", "--quiet", "HEAD")
    with snapshots.scratch_objects(path) as scratch:
        tree = snapshots.tree_of(path, scratch)
        before = base or run(path, "hash-object", "-t", "tree", "/dev/null")
        return run(path, *_PLAIN, before, tree, "--", environment=scratch)
