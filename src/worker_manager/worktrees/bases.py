"""Where a worker's worktree is made, and from which commit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import InvalidInput, NotARepository
from worker_manager.worktrees import evidence
from worker_manager.worktrees.evidence import Standing
from worker_manager.worktrees.git import Said, ask, ask_all, attempt, run

_ASK = ("rev-parse", "--path-format=absolute")
_PLACES = ("--show-toplevel", "--git-dir", "--git-common-dir")
_WHERE = (*_ASK, "--is-inside-work-tree", *_PLACES)


class Base(NamedTuple):
    """The commit that a worker starts from. `behind` counts commits its upstream is ahead."""

    name: str
    sha: str
    upstream: str
    behind: int


class Ground(NamedTuple):
    """Where worktrees of a project are made: its own checkout, and the one below which they go;
    git's directory of all of them. `standing` is how the own checkout stands.
    """

    project: str
    top: str
    checkout: Path
    common: str
    standing: Standing


def survey(project: str) -> Ground:
    """Two git processes at the same time. Raises NotARepository or WorktreeRefused."""
    where, status = ask_all(project, _WHERE, evidence.STATUS)
    top, checkout, common = _places(project, where)
    return Ground(project, top, checkout, common, evidence.standing(status))


def main_checkout(project: str) -> Path:
    """The top directory below which the repository's worktrees go. Raises NotARepository."""
    return _places(project, ask(project, *_WHERE))[1]


def resolve_base(ground: Ground, base_branch: str | None) -> Base:
    """The commit that a branch, tag or sha names now; without a name, what is checked out."""
    standing = ground.standing
    if base_branch is None:
        if not standing.head:
            raise NotARepository(
                f"{ground.project} has no commits yet: commit once, or give use_worktree=false."
            )
        name = standing.branch or standing.head[:12]
        return Base(name, standing.head, standing.upstream, standing.behind)
    if not base_branch.strip() or base_branch.startswith("-"):
        raise InvalidInput(f"{base_branch!r} is no branch name. Name a branch, a tag or a sha.")
    sha = attempt(
        ground.project,
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{base_branch}^{{commit}}"),
    )
    if not sha:
        raise InvalidInput(
            f"There is no branch, tag or commit {base_branch!r} in {ground.project}. "
            "Run git branch --all for the names."
        )
    upstream = _upstream(ground.project, base_branch)
    between = f"{sha}..{upstream}"
    behind = attempt(ground.project, "rev-list", "--count", between) if upstream else ""
    return Base(base_branch, sha, upstream, int(behind or 0))


def _places(project: str, where: Said) -> tuple[str, Path, str]:
    """The top of the own checkout, that of the main one, git's common directory."""
    if not where.text.startswith("true\n"):
        bare = attempt(project, "rev-parse", "--is-bare-repository") == "true"
        what = "a bare repository" if bare else "not a git repository"
        advice = "start in a checkout of it" if bare else "run git init and commit"
        raise NotARepository(f"{project} is {what}: {advice}, or give use_worktree=false.")
    lines = where.text.splitlines()[1:]
    if len(lines) != len(_PLACES):  # a directory with a newline in its name: one by one
        lines = [run(project, *_ASK, place) for place in _PLACES]
    top, own, common = lines
    if os.path.realpath(own) == os.path.realpath(common):
        return top, Path(top), common
    main = Path(common).parent
    return top, main if Path(common).name == ".git" and main.is_dir() else Path(top), common


def _upstream(project: str, branch: str) -> str:
    """The short name of a branch's upstream, or an empty text."""
    reference = f"refs/heads/{branch}"
    return attempt(project, "for-each-ref", "--format=%(upstream:short)", "--", reference)
