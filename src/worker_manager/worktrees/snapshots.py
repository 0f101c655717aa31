"""Saving what no commit holds, under git refs of ours."""

from __future__ import annotations

import os
import shutil
import tempfile

from worker_manager.worktrees.evidence import uncommitted
from worker_manager.worktrees.git import run

#: Whose commits those are that save work: the person may have no identity set.
_OURS = {
    "GIT_AUTHOR_NAME": "worker-manager",
    "GIT_AUTHOR_EMAIL": "worker-manager@localhost",
    "GIT_COMMITTER_NAME": "worker-manager",
    "GIT_COMMITTER_EMAIL": "worker-manager@localhost",
}


def save(path: str, ref: str, message: str) -> str:
    """Saves what no commit holds, untracked files too, as a commit under `ref`; the worktree and
    its index stay as they are. Gives its sha; empty when all is committed.
    """
    if not uncommitted(path):
        return ""
    index = os.path.join(path, run(path, "rev-parse", "--git-path", "index"))
    with tempfile.TemporaryDirectory() as folder:
        copy = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
        shutil.copyfile(index, copy["GIT_INDEX_FILE"])
        run(path, "add", "--all", environment=copy)
        tree = run(path, "write-tree", environment=copy)
    sha = run(path, "commit-tree", tree, "-p", "HEAD", "-m", message, environment=_OURS)
    run(path, "update-ref", ref, sha)
    return sha
