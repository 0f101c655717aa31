"""What a new worktree needs beyond its commit, and what it can't have: said, never guessed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from worker_manager.worktrees import copies, submodules
from worker_manager.worktrees.bases import Ground
from worker_manager.worktrees.git import Said, ask_all, attempt, run

_POINTER = b"version https://git-lfs.github.com/spec/"
_LARGE = ("ls-files", "-z", "--", ":(attr:filter=lfs)")
_IGNORES_CASE = ("config", "--type=bool", "core.ignorecase")
#: So many names are told of each thing.
NAMED = 10


def furnish(ground: Ground, worktree: Path, patterns: Sequence[str]) -> list[str]:
    """Copies the ignored files that are wanted, fills submodules and large files from what is
    here. Gives notes for whoever started the worker. Raises WorktreeRefused.
    """
    copied = copies.copy(ground.checkout, worktree, patterns)
    missing = submodules.populate(str(worktree), ground.common)
    large, ignores_case = ask_all(str(worktree), _LARGE, _IGNORES_CASE)
    clashes = _clashes(worktree) if ignores_case.text == "true\n" else []
    return [
        *_note("Copied from your checkout", copied.files),
        *_note("Not copied", copied.skipped),
        *_note("Empty submodules", missing),
        *_note("Large files that are pointers only (git lfs pull)", _pointers(worktree, large)),
        *_note("Names that differ by case only, of which one is missing", clashes),
    ]


def _note(what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"{what}: {', '.join(names[:NAMED])}{more}."


def _pointers(worktree: Path, large: Said) -> list[str]:
    """Large files that stand for themselves, after those that are here already were put in."""
    if not large.text:
        return []
    attempt(str(worktree), "lfs", "checkout")  # of what was fetched before: no network
    return [name for name in large.text.split("\0")[:-1] if _is_pointer(worktree / name)]


def _is_pointer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False


def _clashes(worktree: Path) -> list[str]:
    """On a file system that takes `a` and `A` for the same."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in filter(None, run(str(worktree), "ls-files", "-z").split("\0")):
        alike[os.path.normcase(name).casefold()].append(name)
    return [" and ".join(names) for names in alike.values() if len(names) > 1]
