"""What a worker has changed, committed or not, as text."""

from __future__ import annotations

from worker_manager.worktrees import snapshots
from worker_manager.worktrees.git import known, run
from worker_manager.worktrees.own import Worktree

#: Whatever a person has set: names and hunks as everybody knows them, nothing that runs programs.
_PLAIN = (
    *("-c", "core.quotePath=false", "diff", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--find-renames", "--patch-with-stat", "--stat=100"),
)


def of_commit(checkout: str, tip: str, base_sha: str) -> str:
    """Returns the diffstat and the hunks of a commit against its base. Raises WorktreeRefused."""
    return run(checkout, *_PLAIN, base_sha, tip, "--")


def of_worktree(worktree: Worktree, base_sha: str) -> str:
    """Returns the diffstat and the hunks of everything in a worktree against its base, untracked
    files included; without a base, against HEAD. Raises WorktreeRefused.
    """
    path = worktree.path
    base = base_sha or known(path, "rev-parse", "--verify", "--quiet", "HEAD")
    with snapshots.scratch_objects(path) as scratch:
        tree = snapshots.tree_of(worktree, scratch)
        before = base or run(path, "hash-object", "-t", "tree", "/dev/null")
        return run(path, *_PLAIN, before, tree, "--", environment=scratch)
