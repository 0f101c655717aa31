"""Whether a worker may have changed what a program would take its settings from: they run commands,
outside of its sandbox.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from worker_manager.worktrees.git import ask

#: Settings are small.
MOST_BYTES = 1_000_000


def are_in(worktree: str, name: str, checkout: str, base: str) -> bool:
    """Whether a file below `name` in a worktree is neither that of the person's checkout nor that
    of the commit `base`; a link counts as one. git is asked in the checkout alone: what it says in
    the worktree hangs on files that a worker can write. Raises NotARepository or WorktreeRefused.
    """
    return any(
        not _is_the_persons(worktree, file, checkout, base) for file in _files(worktree, name)
    )


def _files(worktree: str, name: str) -> Iterator[str]:
    """What lies there, relative to the worktree."""
    top = os.path.join(worktree, name)
    if os.path.islink(top) or os.path.isfile(top):
        yield name
    for folder, folders, files in os.walk(top):
        links = [one for one in folders if os.path.islink(os.path.join(folder, one))]
        for one in (*files, *links):
            yield os.path.relpath(os.path.join(folder, one), worktree)


def _is_the_persons(worktree: str, file: str, checkout: str, base: str) -> bool:
    content = _content(os.path.join(worktree, file))
    if content is None:
        return False
    if content == _content(os.path.join(checkout, file)):
        return True
    committed = ask(checkout, "cat-file", "blob", f"{base}:{file}")
    return not committed.code and os.fsencode(committed.text).replace(
        b"\r\n", b"\n"
    ) == content.replace(b"\r\n", b"\n")


def _content(path: str) -> bytes | None:
    """None of what is no file, can't be read, or is too big."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= MOST_BYTES else None
