"""Saving what no commit holds, under git refs of ours.

A snapshot is a commit. Its tree is the worktree as it was, untracked files included, as git would
have committed them; its parents are HEAD, then what else must not be lost.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from worker_manager.worktrees import evidence
from worker_manager.worktrees.git import ask, attempt, run

#: Whose commits those are that save work: the person may have no identity set.
OURS = {
    "GIT_AUTHOR_NAME": "worker-manager",
    "GIT_AUTHOR_EMAIL": "worker-manager@localhost",
    "GIT_COMMITTER_NAME": "worker-manager",
    "GIT_COMMITTER_EMAIL": "worker-manager@localhost",
}


class Saved(NamedTuple):
    """The commit that holds it, and the names of what it could not take: repositories within the
    worktree, files that can't be read.
    """

    sha: str
    left_out: tuple[str, ...]


class _Kept(NamedTuple):
    tree: str
    staged: str
    left_out: tuple[str, ...]


def save(path: str, ref: str, message: str) -> Saved | None:
    """Saves what no commit holds as a commit under `ref`; the worktree and its index stay as they
    are. None when all is committed.
    """
    return keep(path, ref, message) if evidence.changes(path) else None


def keep(path: str, ref: str, message: str, parents: Sequence[str] = ()) -> Saved:
    """As `save`, always; `parents` come before HEAD."""
    kept = _kept(path)
    head = attempt(path, "rev-parse", "--verify", "--quiet", "HEAD")
    before = list(dict.fromkeys(filter(None, [*parents, head])))
    known = {kept.tree, *(run(path, "rev-parse", f"{one}^{{tree}}") for one in before)}
    if kept.staged and kept.staged not in known:
        before.append(commit(path, kept.staged, before[:1], f"{message}: the index"))
    sha = commit(path, kept.tree, before, message)
    run(path, "update-ref", ref, sha)
    return Saved(sha, kept.left_out)


def commit(directory: str, tree: str, parents: Sequence[str], message: str) -> str:
    """A commit of ours; gives its sha."""
    options = [word for parent in parents for word in ("-p", parent)]
    return run(directory, "commit-tree", tree, *options, "-m", message, environment=OURS)


def tree_of(path: str, environment: Mapping[str, str]) -> str:
    """The worktree as a tree, untracked files included; `environment` says where objects go."""
    return _kept(path, environment).tree


@contextmanager
def scratch_objects(directory: str) -> Iterator[dict[str, str]]:
    """An environment in which git writes objects to a place that is gone afterwards."""
    own = run(directory, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    quoted = own.replace("\\", r"\\").replace('"', r"\"")
    with tempfile.TemporaryDirectory() as folder:
        yield {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"'}


def _kept(path: str, environment: Mapping[str, str] | None = None) -> _Kept:
    own = run(path, "rev-parse", "--path-format=absolute", "--git-path", "index")
    nested = [one.name for one in evidence.changes(path) if one.is_repository]
    with tempfile.TemporaryDirectory() as folder:
        copy = {**(environment or {}), "GIT_INDEX_FILE": os.path.join(folder, "index")}
        with suppress(FileNotFoundError):  # nothing was ever added
            # With its time: a file that changed in the moment of the last commit looks unchanged to
            # git, unless the index is as old.
            shutil.copy2(own, copy["GIT_INDEX_FILE"])
        index = ask(path, "write-tree", environment=copy).text.strip()  # none while in a conflict
        _add(path, nested, copy)
        tree = run(path, "write-tree", environment=copy)
        left = [one.name for one in evidence.changes(path, copy) if one.letters[1] != " "]
    return _Kept(tree, index, tuple(left))


def _add(path: str, nested: Sequence[str], environment: Mapping[str, str]) -> None:
    """All there is, but for repositories within: git would keep a link to a commit that only they
    have. What can't be read is passed over: the rest must be saved all the same.
    """
    excluded = [f":(top,exclude,literal){name.rstrip('/')}" for name in nested]
    # A file whose line ends would not survive git's own conversion is no reason to save nothing.
    add = ("-c", "core.safecrlf=false", "add", "--all", "--ignore-errors", "--", ":/", *excluded)
    ask(path, *add, environment=environment)
