"""What would be lost if a worker's worktree went.

Each question that git does not answer is raised as WorktreeRefused: what is not known is kept.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import NamedTuple

from worker_manager.worktrees import changes, conversions, repositories, stashes
from worker_manager.worktrees.git import run
from worker_manager.worktrees.named import ids_in
from worker_manager.worktrees.own import Worktree

#: Files of git's own directory of a worktree while git is at work there, and at what.
UNDER_WAY = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or git am",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "sequencer": "a cherry-pick or revert",
    "BISECT_LOG": "a bisect",
}


class Losses(NamedTuple):
    """What removing a worktree would lose: uncommitted files; files whose bytes a filter would not
    restore; the operation under way (merge, rebase); stash entries made there; repositories that
    git ignores.
    """

    files: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    under_way: str = ""
    stashed: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()

    def reasons(self) -> Iterator[str]:
        """Iterates over a sentence for each kind of loss, with what to do."""
        if self.under_way:
            yield f"{self.under_way} is under way in it: finish or abort that"
        if self.files:
            yield f"{_counted(self.files)} in it, {self.files[0]!r} for one, are in no commit"
        if self.altered:
            yield (
                f"{_counted(self.altered)} in it, {self.altered[0]!r} for one, go through a filter "
                "that does not give them back as they are"
            )
        if self.stashed:
            yield f"its work lies in the stash ({self.stashed[0]}): take it out, or drop it"
        if self.repositories:
            yield f"a repository that git ignores lies in it: {self.repositories[0]}"


def of(worktree: Worktree) -> Losses:
    """What only this worktree has, but for commits."""
    return Losses(
        files=tuple(change.name for change in changes.uncommitted(worktree)),
        altered=_altered(worktree),
        under_way=under_way(worktree.admin),
        stashed=stashed(worktree),
        repositories=tuple(repositories.ignored(worktree.path)),
    )


def under_way(admin: str) -> str:
    """What git is at in a worktree; empty when nothing."""
    return next((what for name, what in UNDER_WAY.items() if _is_in(admin, name)), "")


def stashed(worktree: Worktree) -> tuple[str, ...]:
    """The stash entries that were made in a worktree, in git's words: all worktrees share them."""
    common = os.path.dirname(os.path.dirname(worktree.admin))
    return tuple(
        said
        for sha, said in stashes.entries(common).items()
        if stashes.made_on(said, worktree.branch) or _is_of_its_head(worktree, sha, said)
    )


def _is_of_its_head(worktree: Worktree, sha: str, said: str) -> bool:
    """Whether an entry that was made on no branch was made on a commit where its HEAD was."""
    if not stashes.made_on(said, "(no branch)"):
        return False
    return run(worktree.path, "rev-parse", f"{sha}^1") in ids_in(worktree.admin)


def _altered(worktree: Worktree) -> tuple[str, ...]:
    through = conversions.filtered(worktree.path, {})
    return tuple(conversions.altered(worktree.path, through, {})) if through else ()


def _is_in(admin: str, name: str) -> bool:
    return os.path.lexists(os.path.join(admin, name))


def _counted(files: Collection[str]) -> str:
    return f"{len(files)} file{'s' if len(files) != 1 else ''}"
