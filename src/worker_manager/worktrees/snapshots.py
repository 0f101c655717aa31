"""Saving what no commit holds, under git refs of ours.

A snapshot is a commit. Its tree is the worktree as it was, untracked files included, as git would
have committed them; its parents are HEAD, then what else must not be lost.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from worker_manager.worktrees import changes, conversions, evidence, repositories
from worker_manager.worktrees.git import ask, known, names, run
from worker_manager.worktrees.indexes import Environment, copied
from worker_manager.worktrees.own import Worktree

_NAME = "worker-manager"
#: Whose commits those are that save work: the person may have no identity set.
OURS = {
    "GIT_AUTHOR_NAME": _NAME,
    "GIT_AUTHOR_EMAIL": "worker-manager@localhost",
    "GIT_COMMITTER_NAME": _NAME,
    "GIT_COMMITTER_EMAIL": "worker-manager@localhost",
}
#: How the message of a parent ends that holds files as they are, where git would change them.
_RAW = ": as on the disk"


class Saved(NamedTuple):
    """The commit that holds it, and the names of what it could not take: repositories within the
    worktree, files that can't be read.
    """

    sha: str
    left_out: tuple[str, ...]


class _Kept(NamedTuple):
    """Trees: the worktree, its index, the files that git would change; and what was left out."""

    tree: str
    staged: str
    raw: str
    left_out: tuple[str, ...]


def save(worktree: Worktree, ref: str, message: str) -> Saved | None:
    """Saves what no commit holds as a commit under `ref`; the worktree and its index stay as they
    are. None when all is committed.
    """
    if not changes.uncommitted(worktree):
        return None
    kept = keep(worktree, ref, message)
    return Saved(kept.sha, tuple({*kept.left_out, *repositories.unsaved(worktree.path)}))


def keep(worktree: Worktree, ref: str, message: str, parents: Sequence[str] = ()) -> Saved:
    """Saves a snapshot under `ref` even when nothing is uncommitted; `parents` come before HEAD."""
    kept = _kept(worktree.path)
    head = known(worktree.path, "rev-parse", "--verify", "--quiet", "HEAD")
    return _record(worktree.path, kept, list(filter(None, [*parents, head])), ref, message)


def keep_later(
    worktree: Worktree, ref: str, message: str, parents: Sequence[str], earlier: str
) -> Saved | None:
    """Saves what has come into a worktree since the snapshot `earlier`, as one that holds all of
    both: files that are gone by now stay in it. None when nothing has come.
    """
    path = worktree.path
    kept = _kept(path, onto=earlier)
    if kept.tree == _tree(path, earlier) and not kept.left_out:
        return None
    before = run(path, "rev-list", "--parents", "-n1", earlier).split()
    return _record(path, kept, [*parents, *before[1:], before[0]], ref, message)


def as_on_disk(directory: str, ref: str) -> dict[str, str]:
    """The files that a snapshot holds as they were, since git would have changed them: the ids of
    their contents by name.
    """
    found = {}
    for parent in run(directory, "rev-list", "--parents", "-n1", ref).split()[1:]:
        whole = run(directory, "cat-file", "commit", parent)
        header = whole.partition("\n\n")[0]
        if f"\ncommitter {_NAME} <" in header and whole.endswith(_RAW):
            for entry in names(directory, "ls-tree", "-r", "-z", parent):
                facts, _, name = entry.partition("\t")
                found[name] = facts.split(" ")[2]
    return found


def commit(directory: str, tree: str, parents: Sequence[str], message: str) -> str:
    """A commit of ours; gives its sha."""
    options = [word for parent in parents for word in ("-p", parent)]
    return run(directory, "commit-tree", tree, *options, "-m", message, environment=OURS)


def tree_of(worktree: Worktree, environment: Mapping[str, str]) -> str:
    """The worktree as a tree, untracked files included; `environment` says where objects go."""
    with copied(worktree.path, environment) as copy:
        return _written(worktree.path, copy, "--all")


def staged_tree(path: str, environment: Environment) -> str:
    """What stands in the index, but for what is in conflict there: those files lie on the disk."""
    written = ask(path, "write-tree", environment=environment)
    if written.code == 0:
        return written.text.strip()
    entries = names(path, "ls-files", "--stage", "-z", environment=environment)
    merged = [f"{entry}\0" for entry in entries if entry.partition("\t")[0].endswith(" 0")]
    with tempfile.TemporaryDirectory() as folder:
        other = {**environment, "GIT_INDEX_FILE": os.path.join(folder, "index")}
        words = ("update-index", "-z", "--index-info")
        run(path, *words, environment=other, stdin="".join(merged))
        return run(path, "write-tree", environment=other)


@contextmanager
def scratch_objects(directory: str) -> Iterator[dict[str, str]]:
    """An environment in which git writes objects to a place that is gone afterwards."""
    own = run(directory, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    quoted = own.replace("\\", r"\\").replace('"', r"\"")
    with tempfile.TemporaryDirectory() as folder:
        yield {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"'}


def _record(path: str, kept: _Kept, parents: Sequence[str], ref: str, message: str) -> Saved:
    before = list(dict.fromkeys(parents))
    known_trees = {kept.tree, *(_tree(path, snapshot) for snapshot in before)}
    for tree, what in ((kept.staged, ": the index"), (kept.raw, _RAW)):
        if tree and tree not in known_trees:
            before.append(commit(path, tree, before[:1], message.split("\n")[0] + what))
    sha = commit(path, kept.tree, before, message)
    run(path, "update-ref", ref, sha)
    return Saved(sha, kept.left_out)


def _tree(path: str, commit: str) -> str:
    return run(path, "rev-parse", f"{commit}^{{tree}}")


def _kept(path: str, onto: str = "") -> _Kept:
    """With `onto` what that commit has and the worktree has not is kept, too."""
    with copied(path) as copy:
        staged = staged_tree(path, copy)
        if onto:
            run(path, "read-tree", onto, environment=copy)
        tree = _written(path, copy, "--ignore-removal" if onto else "--all")
        left = evidence.changes(path, copy, inside=False)
        altered = _altered(path, tree, copy)
        raw = conversions.raw_tree(path, altered, copy) if altered else ""
    saved = " D" if onto else " "
    return _Kept(
        tree, staged, raw, tuple(change.name for change in left if change.letters[1] not in saved)
    )


def _written(path: str, environment: Environment, how: str) -> str:
    """The tree of all there is, but for repositories within: git would keep a link to a commit that
    only they have. What can't be read is passed over: the rest must be saved all the same.
    """
    # Not inside of submodules: they work no more where their worktree has another name for a while.
    new = evidence.changes(path, inside=False)
    nested = [change.name for change in new if change.is_repository]
    nested += [name for name, _ in repositories.submodules(path)]
    excluded = [f":(top,exclude,literal){name.rstrip('/')}" for name in nested]
    # A file whose line ends would not survive git's own conversion is no reason to save nothing.
    options = ("-c", "core.safecrlf=false", "-c", "core.ignoreStat=false", "add", how, "--sparse")
    ask(path, *options, "--ignore-errors", "--", ":/", *excluded, environment=environment)
    return staged_tree(path, environment)


def _altered(path: str, tree: str, environment: Environment) -> dict[str, str]:
    """The files that only their bytes on the disk bring back as they are."""
    head = known(path, "rev-parse", "--verify", "--quiet", "HEAD^{tree}")
    base = head or run(path, "hash-object", "-t", "tree", "/dev/null")
    diff = ("diff-tree", "-r", "-z", "--no-renames", "--name-only", "--diff-filter=d")
    fresh = names(path, *diff, base, tree, environment=environment)
    through = conversions.filtered(path, environment)
    return conversions.altered(path, [*fresh, *through], environment)
