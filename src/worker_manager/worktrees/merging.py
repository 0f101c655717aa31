"""What a merge would come to, in memory: no branch, file or index is touched."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import islice
from typing import NamedTuple

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.commits import recommit
from worker_manager.worktrees.git import ask, conversation, last_line, names, run
from worker_manager.worktrees.snapshots import commit

#: How much of a conflict is shown: of so many files so many hunks with so many lines, of each line
#: so many characters. Each file is looked through for hunks up to so many bytes.
FILES, HUNKS, LINES, LINE = 10, 3, 40, 400
MAX_BYTES = 4_000_000
_OPENING, _ENDING = re.compile(rb"<{7,} "), re.compile(rb">{7,} ")


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
    """Merges two commits in memory, as `git merge` would. Raises WorktreeRefused when git can't
    merge them at all.
    """
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
    files = (
        named.split("\0") if named else [name for conflict in conflicts for name in conflict.names]
    )
    return Trial(
        tree, tuple(dict.fromkeys(files)) or ("?",), tuple(conflict.text for conflict in conflicts)
    )


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
    parts = list[str]()
    for name in trial.files[:FILES]:
        found, is_more = _portion(directory, f"{trial.tree}:{name}")
        parts += (f"{name!r}:\n{hunk}" for hunk in islice(_hunks(found), HUNKS))
        if is_more:
            parts.append(f"{name!r}: [... only its first {MAX_BYTES:,} bytes were looked at]")
    if len(trial.files) > FILES:
        parts.append(f"[... {len(trial.files) - FILES} more files]")
    return "\n".join(parts)


def _portion(directory: str, named: str) -> tuple[bytes, bool]:
    """The beginning of a file of a tree, and whether there is more; nothing of what is no file."""
    with conversation(directory, "cat-file", "blob", named) as git:
        assert git.stdout is not None  # noqa: S101  it is a pipe
        found = git.stdout.read(MAX_BYTES + 1)
    return found[:MAX_BYTES], len(found) > MAX_BYTES


def _hunks(content: bytes) -> Iterator[str]:
    """Each from its opening line to its last, the long ones shortened. A line that only looks like
    an opening is none, when there is a later one before the end.
    """
    shown, count = list[bytes](), 0
    for line in BytesIO(content):
        if _OPENING.match(line):
            shown, count = [line], 1
        elif count:
            count += 1
            shown += [line] if count <= LINES else []
            if _ENDING.match(line):
                more = [f"[... {count - LINES} more lines]"] if count > LINES else []
                yield "\n".join([*map(_shown, shown), *more])
                count = 0


def _shown(line: bytes) -> str:
    text = os.fsdecode(line.rstrip(b"\n"))
    return text if len(text) <= LINE else f"{text[:LINE]}[...]"


def replay(directory: str, target: str, branch: str, *, is_signed: bool) -> Replayed:
    """Puts the commits of a branch onto another one in memory, as `git rebase` would; stops at the
    first conflict.
    """
    chosen = ("--reverse", "--topo-order", "--no-merges", f"{target}..{branch}")
    current = target
    for sha in run(directory, "rev-list", *chosen).split():
        trial = _pick(directory, current, sha)
        if trial.files:
            return Replayed("", sha, trial)
        if trial.tree != run(directory, "rev-parse", f"{current}^{{tree}}"):
            current = recommit(directory, sha, trial.tree, current, is_signed=is_signed)
    return Replayed(current)


def _pick(directory: str, onto: str, sha: str) -> Trial:
    """Cherry-picks a commit in memory. `merge-tree --merge-base` needs git 2.40; three helper
    commits with only the wanted base as history have the same effect.
    """
    parent = run(directory, "rev-list", "--parents", "-n1", sha).split()[1:]
    empty = run(directory, "hash-object", "-t", "tree", "/dev/null")
    base_tree = f"{parent[0]}^{{tree}}" if parent else empty
    base = commit(directory, run(directory, "rev-parse", base_tree), (), "base")
    ours, theirs = (
        commit(directory, run(directory, "rev-parse", f"{tip}^{{tree}}"), (base,), "side")
        for tip in (onto, sha)
    )
    return try_merge(directory, ours, theirs)


def changed_files(directory: str, base: str, tip: str) -> list[str]:
    """The files that differ between the point where a branch left another, and its tip."""
    return names(directory, "diff", "--name-only", "-z", f"{base}...{tip}")
