"""What a merge would come to, in memory: no branch, file or index is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.git import ask, last_line, names, run
from worker_manager.worktrees.snapshots import commit

#: How much of a conflict is shown: of so many files so many hunks with so many lines.
FILES, HUNKS, LINES = 10, 3, 40
_HUNK = re.compile(r"^<{7,} .*?^>{7,} [^\n]*$", re.MULTILINE | re.DOTALL)


class Trial(NamedTuple):
    """The merged tree. With `files` in conflict it is only for looking at; `said` is what git
    says of each.
    """

    tree: str
    files: tuple[str, ...]
    said: tuple[str, ...]


class Replayed(NamedTuple):
    """The last commit of those that were replayed, or the trial of the first that does not fit."""

    sha: str
    stuck_at: str = ""
    trial: Trial | None = None


def try_merge(
    directory: str, ours: str, theirs: str, environment: Mapping[str, str] | None = None
) -> Trial:
    """As `git merge` would merge two commits. Raises WorktreeRefused when it would not at all."""
    said = ask(
        directory,
        *("merge-tree", "--write-tree", "-z", "--name-only", "--messages", ours, theirs),
        environment=environment,
    )
    if said.code not in (0, 1):
        raise WorktreeRefused(f"git merge-tree failed: {last_line(said.error)}")
    tree, _, rest = said.text.partition("\0")
    if said.code == 0:
        return Trial(tree, (), ())
    named, _, told = ("", "", rest[1:]) if rest.startswith("\0") else rest.partition("\0\0")
    conflicts = _conflicts(told)
    # git lists no file when only places are in conflict, of directories that were renamed.
    files = named.split("\0") if named else [name for one in conflicts for name in one.names]
    return Trial(tree, tuple(dict.fromkeys(files)) or ("?",), tuple(one.text for one in conflicts))


class _Conflict(NamedTuple):
    names: list[str]
    text: str


def _conflicts(told: str) -> list[_Conflict]:
    """What it says: each time a count, so many paths, a kind, a text."""
    fields = iter(told.split("\0"))
    found = []
    for count in fields:
        paths = [next(fields, "") for _ in range(int(count) if count.isdecimal() else 0)]
        kind, text = next(fields, ""), next(fields, "")
        if kind.startswith("CONFLICT"):
            found.append(_Conflict(paths, " ".join(text.split())))
    return found


def hunks(directory: str, trial: Trial) -> str:
    """The places that are in conflict, as far as they can be shown."""
    parts = []
    for name in trial.files[:FILES]:
        content = ask(directory, "cat-file", "blob", f"{trial.tree}:{name}").text
        for found in _HUNK.findall(content)[:HUNKS]:
            lines = found.split("\n")
            more = [f"[... {len(lines) - LINES} more lines]"] if len(lines) > LINES else []
            parts.append("\n".join([f"{name!r}:", *lines[:LINES], *more]))
    if len(trial.files) > FILES:
        parts.append(f"[... {len(trial.files) - FILES} more files]")
    return "\n".join(parts)


def replay(directory: str, target: str, branch: str, signed: tuple[str, ...]) -> Replayed:
    """As `git rebase` would put the commits of a branch onto another one."""
    chosen = ("--reverse", "--topo-order", "--no-merges", f"{target}..{branch}")
    current = target
    for sha in run(directory, "rev-list", *chosen).split():
        trial = _pick(directory, current, sha)
        if trial.files:
            return Replayed("", sha, trial)
        if trial.tree != run(directory, "rev-parse", f"{current}^{{tree}}"):
            current = _again(directory, sha, trial.tree, current, signed)
    return Replayed(current)


def _pick(directory: str, onto: str, sha: str) -> Trial:
    """One commit onto another. `merge-tree --merge-base` is of git 2.40; three commits whose only
    history is the wanted base are the same to it.
    """
    parent = run(directory, "rev-list", "--parents", "-n1", sha).split()[1:]
    empty = run(directory, "hash-object", "-t", "tree", "/dev/null")
    base_tree = f"{parent[0]}^{{tree}}" if parent else empty
    base = commit(directory, run(directory, "rev-parse", base_tree), (), "base")
    ours, theirs = (
        commit(directory, run(directory, "rev-parse", f"{one}^{{tree}}"), (base,), "side")
        for one in (onto, sha)
    )
    return try_merge(directory, ours, theirs)


def _again(directory: str, sha: str, tree: str, parent: str, signed: tuple[str, ...]) -> str:
    """The same commit with another tree and parent: its author, date and message stay."""
    form = "--format=%an%x00%ae%x00%ad%x00%B"
    shown = run(directory, "show", "--no-patch", "--date=raw", form, sha)
    name, mail, date, message = shown.split("\0", 3)
    author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": f"@{date}"}
    words = ("commit-tree", *signed, tree, "-p", parent, "-m", message.rstrip("\n"))
    return run(directory, *words, environment=author)


def changed_files(directory: str, base: str, tip: str) -> list[str]:
    """The files that differ between the point where a branch left another, and its tip."""
    return names(directory, "diff", "--name-only", "-z", f"{base}...{tip}")
