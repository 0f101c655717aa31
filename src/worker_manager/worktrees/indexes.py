"""Copies of a worktree's index in which git looks at every file.

A file that git was told to take for unchanged, or to skip, is in no answer of its: not in a status,
not in what is added. In the copy nothing is marked so; the worktree's own index stays as it is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from worker_manager.worktrees.git import names, run

Environment = dict[str, str]
#: Lists each file of the index behind a letter that tells how git looks at it.
LISTED = ("ls-files", "-v", "-z")


@contextmanager
def copied(path: str, environment: Mapping[str, str] | None = None) -> Iterator[Environment]:
    """An environment in which git uses a copy of the index, and may change it."""
    own = run(path, "rev-parse", "--path-format=absolute", "--git-path", "index")
    with tempfile.TemporaryDirectory() as folder:
        copy = {**(environment or {}), "GIT_INDEX_FILE": os.path.join(folder, "index")}
        with suppress(FileNotFoundError):  # nothing was ever added
            # With its time: a file that changed in the moment of the last commit looks unchanged to
            # git, unless the index is as old.
            shutil.copy2(own, copy["GIT_INDEX_FILE"])
        _unmask(path, copy)
        yield copy


@contextmanager
def unmasked(path: str) -> Iterator[Environment]:
    """Yields the environment of an index without masks, for reading only: the real index (an empty
    environment) when no file is masked, else a copy.
    """
    if not _masked(path):
        yield {}
        return
    with copied(path) as copy:
        yield copy


def _masked(path: str, environment: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """The letters of `ls-files -v` and names of the files that git does not look at, and that are
    there: those that a sparse checkout leaves out are not.
    """
    return masked_among(path, names(path, *LISTED, environment=environment))


def masked_among(path: str, listed: Sequence[str]) -> list[tuple[str, str]]:
    """The same, of what git has listed."""
    marked = ((entry[0], entry[2:]) for entry in listed if entry[0] == "S" or entry[0].islower())
    return [(letter, name) for letter, name in marked if os.path.lexists(os.path.join(path, name))]


def _unmask(path: str, copy: Environment) -> None:
    masked = _masked(path, copy)
    skipped = [name for letter, name in masked if letter in "Ss"]
    assumed = [name for letter, name in masked if letter.islower()]
    for option, those in (("--no-skip-worktree", skipped), ("--no-assume-unchanged", assumed)):
        if those:
            # core.ignoreStat would mark them again.
            words = ("-c", "core.ignoreStat=false", "update-index", option, "-z", "--stdin")
            run(path, *words, environment=copy, stdin="".join(f"{name}\0" for name in those))
