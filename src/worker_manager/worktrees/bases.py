"""Where a worker's worktree is made, and from which commit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import InvalidInput, NotARepository
from worker_manager.worktrees.git import attempt, run


class Base(NamedTuple):
    """The commit that a worker starts from. `behind` counts commits its upstream is ahead."""

    name: str
    sha: str
    upstream: str
    behind: int


def top(project: str) -> str:
    """The top directory of the checkout that a directory lies in. Raises WorktreeRefused."""
    return run(project, "rev-parse", "--show-toplevel")


def main_checkout(project: str) -> Path:
    """The top directory below which the repository's worktrees go. Raises NotARepository."""
    inside = attempt(project, "rev-parse", "--is-inside-work-tree")
    if inside != "true":
        bare = attempt(project, "rev-parse", "--is-bare-repository") == "true"
        what = "a bare repository" if bare else "not a git repository"
        advice = "start in a checkout of it" if bare else "run git init and commit"
        raise NotARepository(f"{project} is {what}: {advice}, or give use_worktree=false.")
    own_top = Path(top(project))
    own = run(project, "rev-parse", "--absolute-git-dir")
    common = run(project, "rev-parse", "--path-format=absolute", "--git-common-dir")
    if os.path.realpath(own) == os.path.realpath(common):
        return own_top
    main = Path(common).parent
    return main if Path(common).name == ".git" and main.is_dir() else own_top


def resolve_base(project: str, base_branch: str | None) -> Base:
    """The commit that a branch, tag or sha names now; without a name, what is checked out."""
    if base_branch is not None and (not base_branch.strip() or base_branch.startswith("-")):
        raise InvalidInput(f"{base_branch!r} is no branch name. Name a branch, a tag or a sha.")
    name = base_branch or "HEAD"
    sha = attempt(
        project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    if not sha:
        if base_branch is None:
            raise NotARepository(
                f"{project} has no commits yet: commit once, or give use_worktree=false."
            )
        raise InvalidInput(
            f"There is no branch, tag or commit {base_branch!r} in {project}. "
            "Run git branch --all for the names."
        )
    branch = base_branch or attempt(project, "symbolic-ref", "--quiet", "--short", "HEAD")
    upstream = _upstream(project, branch)
    behind = attempt(project, "rev-list", "--count", f"{sha}..{upstream}") if upstream else ""
    return Base(branch or sha[:12], sha, upstream, int(behind or 0))


def _upstream(project: str, branch: str) -> str:
    """The short name of a branch's upstream, or an empty text."""
    reference = f"refs/heads/{branch}"
    return attempt(project, "for-each-ref", "--format=%(upstream:short)", "--", reference)
