"""The stash, which all worktrees of a repository share."""

from __future__ import annotations

import os
from pathlib import Path

from worker_manager.worktrees.git import ask


def entries(common: str) -> dict[str, str]:
    """Returns git's message of each stash entry by sha, oldest first; the message begins with the
    branch it was made on. `common` is git's directory of all worktrees.
    """
    try:
        lines = Path(common, "logs", "refs", "stash").read_bytes().splitlines()
    except OSError:
        return _asked(common) if os.path.isdir(os.path.join(common, "reftable")) else {}
    found = {}
    for line in lines:
        facts, _, message = line.partition(b"\t")
        found[os.fsdecode(facts[:200].split(b" ")[1])] = os.fsdecode(message)
    return found


def made_on(message: str, branch: str) -> bool:
    """Returns True if an entry with this message was made on the branch."""
    return message.removeprefix("WIP on ").removeprefix("On ").startswith(f"{branch}: ")


def _asked(common: str) -> dict[str, str]:
    """For repositories that do not keep refs in files."""
    form = ("--walk-reflogs", "--format=%H %gs", "refs/stash", "--")
    said = ask(common, "log", *form).text.splitlines()
    return {sha: message for sha, _, message in (line.partition(" ") for line in reversed(said))}
