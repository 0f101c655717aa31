"""The terms a worker gets beside its task: checks that must succeed before it may complete, and
the paths that it may change.
"""

import os
from collections.abc import Iterable, Sequence

from worker_manager.errors import InvalidInput

MAX_CHECKS = 20
MAX_PATHS = 100


def checked_checks(checks: Sequence[str]) -> tuple[str, ...]:
    """The commands themselves. Raises InvalidInput."""
    if len(checks) > MAX_CHECKS:
        raise InvalidInput(
            f"There are {len(checks)} checks, at most {MAX_CHECKS} are allowed. "
            "Put them into a script, and name that."
        )
    for check in checks:
        if not check.strip() or "\0" in check:
            raise InvalidInput(
                f"The check {check!r} is no command. Give each check as a shell command that "
                'succeeds when all is well, such as "make test", or leave checks out.'
            )
    return tuple(checks)


def checked_paths(paths: Sequence[str]) -> tuple[str, ...]:
    """The paths in their shortest form. Raises InvalidInput."""
    if len(paths) > MAX_PATHS:
        raise InvalidInput(
            f"There are {len(paths)} allowed paths, at most {MAX_PATHS} are allowed. "
            "Name the directories that they lie in."
        )
    return tuple(map(_checked_path, paths))


def allows(allowed: Iterable[str], path: str) -> bool:
    """Whether one of the allowed paths is that path, or a directory above it."""
    return any(one == "." or path == one or path.startswith(f"{one}/") for one in allowed)


def as_told(checks: Sequence[str], paths: Sequence[str]) -> str:
    """What a worker reads of them, behind its task; empty when there are none."""
    parts = []
    if checks:
        listed = "\n".join(f"- {check}" for check in checks)
        parts.append(f"`complete` runs these checks in your worktree first:\n{listed}\n")
    if paths:
        parts.append(f"Change nothing but: {', '.join(paths)}\n")
    return "".join(f"\n{part}" for part in parts)


def _checked_path(path: str) -> str:
    parts = path.split("/")
    if not path.strip() or "\0" in path or path.startswith(("/", "~")) or ".." in parts:
        raise InvalidInput(
            f"The allowed path {path!r} does not lie in the repository. Give a file or a directory "
            "relative to its top, without `..`, such as src/server."
        )
    return os.path.normpath(path)
