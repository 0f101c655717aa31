"""Where git writes when somebody commits in a linked worktree: all that a program needs which may
write nowhere else. Its hooks and settings, which would be run outside, are not there.
"""

from __future__ import annotations

import os


def directories(worktree: str) -> tuple[str, ...]:
    """Those that exist, absolute; none where it is no linked worktree. Reads files only."""
    own = _named(os.path.join(worktree, ".git"), "gitdir: ", worktree)
    common = _named(os.path.join(own, "commondir"), "", own) if own else ""
    if not common:
        return ()
    # `reftable` holds refs and logs of a repository of that format.
    shared = [os.path.join(common, name) for name in ("objects", "refs", "logs", "reftable")]
    return (own, *filter(os.path.isdir, shared))


def _named(file: str, prefix: str, base: str) -> str:
    """The real path that a file of git names; empty when it names none."""
    try:
        with open(file, encoding="utf-8", errors="surrogateescape", newline="") as opened:
            content = opened.read()
    except OSError:
        return ""
    named = content.removeprefix(prefix).rstrip("\n")
    is_path = content.startswith(prefix) and bool(named)
    return os.path.realpath(os.path.join(base, named)) if is_path else ""
