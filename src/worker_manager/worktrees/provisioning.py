"""What a new worktree needs beyond its commit, and what it can't have: said, never guessed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from worker_manager.worktrees import copies, submodules
from worker_manager.worktrees.bases import Checkout
from worker_manager.worktrees.git import GitResult, attempt, names

_POINTER = b"version https://git-lfs.github.com/spec/"
_LARGE = ("ls-files", "-z", "--", ":(attr:filter=lfs)")
#: What git is set to that makes files other ones than their commit says.
SETTINGS = ("config", "-z", "--get-regexp", r"^(core\.ignorecase|filter\.lfs\..*|hook\..*)$")
#: So many names are told of each thing.
NAMED = 10


class GitFileSettings(NamedTuple):
    """Whether git takes names for the same that only case tells apart; whether it has large files
    put in by LFS: without that they are the same pointers everywhere; whether it has hooks that no
    directory holds, as the newest git may.
    """

    ignores_case: bool
    has_lfs: bool
    has_hooks: bool = False


def git_file_settings(said: GitResult) -> GitFileSettings:
    """What git's answer to SETTINGS tells."""
    entries = said.text.split("\0")[:-1]
    # Without a value, and without even a line for it, git takes a key for true.
    settings = dict(
        (entry if "\n" in entry else f"{entry}\ntrue").split("\n", 1) for entry in entries
    )
    ignores_case = settings.pop("core.ignorecase", "false").lower()
    hooks = [key for key in settings if key.startswith("hook.")]
    has_lfs = len(settings) > len(hooks)
    return GitFileSettings(
        ignores_case not in ("", "false", "no", "off", "0"), has_lfs, bool(hooks)
    )


def provision(
    checkout: Checkout, worktree: Path, patterns: Sequence[str], habits: GitFileSettings
) -> list[str]:
    """Copies the ignored files that are wanted, fills submodules and large files from what is
    here. Gives notes for whoever started the worker. Raises WorktreeRefused.
    """
    copied = copies.copy(checkout.main, worktree, patterns)
    missing = submodules.populate(str(worktree), checkout.common)
    pointers = _pointers(worktree) if habits.has_lfs else []
    clashes = _clashes(worktree) if habits.ignores_case else []
    return [
        *_note("Copied from your checkout", copied.files),
        *_note("Not copied", copied.skipped),
        *_note("Empty submodules", missing),
        *_note("Large files that are pointers only (git lfs pull)", pointers),
        *_note("Names that differ by case only, of which one is missing", clashes),
    ]


def _note(what: str, named: Sequence[str]) -> Iterator[str]:
    if named:
        more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
        yield f"{what}: {', '.join(named[:NAMED])}{more}."


def _pointers(worktree: Path) -> list[str]:
    """Large files that stand for themselves, after those that are here already were put in."""
    large = names(str(worktree), *_LARGE)
    if large:
        attempt(str(worktree), "lfs", "checkout")  # of what was fetched before: no network
    return [name for name in large if _is_pointer(worktree / name)]


def _is_pointer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False


def _clashes(worktree: Path) -> list[str]:
    """On a file system that takes `a` and `A` for the same."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names(str(worktree), "ls-files", "-z"):
        alike[os.path.normcase(name).casefold()].append(name)
    return [" and ".join(same) for same in alike.values() if len(same) > 1]
