"""Where a worker's worktree is made, and from which commit."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import InvalidInput, NotARepository, Text, option
from worker_manager.worktrees.evidence import CheckoutStatus
from worker_manager.worktrees.git import GitResult, ask, ask_all, attempt, run

HEADS = "refs/heads/"
#: A tag of the name HEAD would keep git from saying which branch that is.
_ASK = ("-c", "core.warnAmbiguousRefs=false", "rev-parse", "--path-format=absolute")
_PLACES = ("--show-toplevel", "--git-dir", "--git-common-dir")
_HEAD = ("HEAD", "--symbolic-full-name", "HEAD")
HEADS = "refs/heads/"
#: The commit of HEAD, said in a way that git does not take for a name.
#: The way out for what is no repository.
_WITHOUT = option("use_worktree", False)
_AT_HEAD = re.compile(r"(HEAD|@)([~^]0)+")
_WHERE = (*_ASK, "--is-inside-work-tree", *_PLACES, *_HEAD)


class Base(NamedTuple):
    """The commit that a worker starts from. `behind` counts commits its upstream is ahead."""

    name: str
    sha: str
    upstream: str = ""
    behind: int = 0


class Checkout(NamedTuple):
    """Where worktrees of a project are made: its own checkout, and the one below which they go;
    git's directory of all of them. `head` and `branch` are what is checked out, empty when there
    is none.
    """

    project: str
    top: str
    main: Path
    common: str
    head: str
    branch: str


def inspect_checkout(project: str) -> Checkout:
    """Asks git once. Raises NotARepository or WorktreeRefused."""
    return _checkout(project, ask(project, *_WHERE))


def _checkout(project: str, where: GitResult) -> Checkout:
    places = _places(project, where)
    head, branch = ("", "") if where.code else _lines(where)[-2:]
    branch = "" if branch == "HEAD" else branch.removeprefix(HEADS)
    return Checkout(project, *places, head, branch)


def inspect_checkout_for(project: str, prefix: str) -> tuple[Checkout, str]:
    """As `survey`; and with what workers' branches can begin there: where a branch has the name of
    a directory of theirs, without directories.
    """
    folders = [HEADS + one for one in _folders(prefix)]
    if not folders:
        return inspect_checkout(project), prefix
    # Nothing but the whole name fits a pattern with brackets.
    patterns = [f"{one[:-1]}[{one[-1]}]" for one in folders]
    listing = ("for-each-ref", "--ignore-case", "--format=%(refname)", *patterns)
    where, taken = ask_all(project, _WHERE, listing)
    checkout = _checkout(project, where)
    for name in taken.text.splitlines():
        # Where case does not count, a branch that is spelled otherwise is in the way as well.
        near = next((one for one in folders if one.lower() == name.lower()), name)
        if name == near or os.path.isfile(os.path.join(checkout.common, near)):
            return checkout, prefix.replace("/", "-")
    return checkout, prefix


def _folders(prefix: str) -> list[str]:
    parts = prefix.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def main_checkout(project: str) -> Path:
    """The top directory below which the repository's worktrees go. Raises NotARepository."""
    return _places(project, ask(project, *_WHERE))[1]


def main_worktree(directory: str) -> str | None:
    """Where the files lie that belong to the repository's own HEAD and index: empty when it is
    bare, None when they lie somewhere that git doesn't say. Raises NotARepository or
    WorktreeRefused.

    `git worktree list` is not asked: for its first one it names the place of the git directory,
    which may be somewhere else altogether.
    """
    top, own, common = (run(directory, *_ASK, place) for place in _PLACES)
    return top if _is_same(own, common) else _worktree_of(common)


def resolve_base(checkout: Checkout, base_branch: str | None) -> Base:
    """The commit that a branch, tag or sha names now; without a name, what is checked out, whose
    upstream `compared` adds.
    """
    if base_branch is None:
        if not checkout.head:
            raise NotARepository(
                Text(f"{checkout.project} has no commits yet: commit once, or give ", _WITHOUT, ".")
            )
        return Base(checkout.branch or checkout.head[:12], checkout.head)
    if not base_branch.strip() or base_branch.startswith("-"):
        raise InvalidInput(f"{base_branch!r} is no branch name. Name a branch, a tag or a sha.")
    branch = local_branch(checkout.project, base_branch)
    meant = f"{branch or base_branch}^{{commit}}"
    sha = attempt(
        checkout.project, *("rev-parse", "--verify", "--quiet", "--end-of-options"), meant
    )
    if not sha:
        raise InvalidInput(
            f"There is no branch, tag or commit {base_branch!r} in {checkout.project}. "
            "Run git branch --all for the names."
        )
    if not branch:
        return Base(base_branch, sha)
    name = branch.removeprefix(HEADS)
    upstream = _upstream(checkout.project, branch)
    between = f"{sha}..{upstream}"
    behind = attempt(checkout.project, "rev-list", "--count", between) if upstream else ""
    return Base(name, sha, upstream, int(behind or 0))


def local_branch(directory: str, name: str) -> str:
    """The whole name (`refs/heads/...`) of the local branch that moves when this one does: `@`,
    `@{-1}`, `refs/heads/x` and a name that stands for another one are names of branches, too, and
    so is `HEAD~0`, which says the commit of HEAD. Empty when it is none.
    """
    full = ("rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options")
    head = "HEAD" if _AT_HEAD.fullmatch(name) else name
    # As a branch first: a tag of the same name would be taken before it.
    for one in (HEADS + name, head):
        found = attempt(directory, *full, one) if name else ""
        if found.startswith(HEADS):
            return found
    return ""


def with_upstream(base: Base, standing: CheckoutStatus) -> Base:
    """With how far the upstream of what is checked out is ahead."""
    if (base.name, base.sha) != (standing.branch, standing.head):
        return base
    return base._replace(upstream=standing.upstream, behind=standing.behind)


def _places(project: str, where: GitResult) -> tuple[str, Path, str]:
    """The top of the own checkout, that of the main one, git's common directory."""
    if not where.text and "not a git repository" not in where.error:
        said = " ".join(where.error.split())  # with the way out, as of another user's repository
        raise NotARepository(f"git refuses to look at {project}: {said}")
    if not where.text.startswith("true\n"):
        bare = attempt(project, "rev-parse", "--is-bare-repository") == "true"
        what = "a bare repository" if bare else "not a git repository"
        advice = "start in a checkout of it" if bare else "run git init and commit"
        raise NotARepository(Text(f"{project} is {what}: {advice}, or give ", _WITHOUT, "."))
    lines = _lines(where)[1:]
    # Behind the places: of no commit, only what was asked for.
    if len(lines) != len(_PLACES) + (1 if where.code else 2):
        # A directory with a newline in its name: one by one.
        lines = [run(project, *_ASK, place) for place in _PLACES]
    top, own, common = lines[: len(_PLACES)]
    if _is_same(own, common):
        return top, Path(top), common
    return top, Path(_worktree_of(common) or top), common


def _worktree_of(common: str) -> str | None:
    """As `main_worktree`, of a repository's own git directory."""
    bare = f"--git-dir={common}"
    if attempt(common, bare, "rev-parse", "--is-bare-repository") == "true":
        return ""
    named = attempt(common, bare, "config", "core.worktree")
    place = os.path.join(common, named) if named else os.path.dirname(common)
    said = ask(place, *_ASK, "--show-toplevel", "--git-dir") if os.path.isdir(place) else None
    if said is None or said.code or said.text.count("\n") != 2:
        return None
    top, own = _lines(said)
    is_it = _is_same(own, common) and _is_same(top, place)
    return top if is_it and not _is_hollow(place) else None


def _is_hollow(place: str) -> bool:
    """Whether there is only `.git`, though git counts files there: a link leads to it from where
    they are.
    """
    return os.listdir(place) == [".git"] and bool(attempt(place, "ls-files", "--cached"))


def _is_same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _lines(said: GitResult) -> list[str]:
    """Not as Python splits lines: a name may have what it takes for an end."""
    return said.text.removesuffix("\n").split("\n")


def _upstream(project: str, branch: str) -> str:
    """The short name of the upstream of a branch (`refs/heads/...`), or an empty text."""
    return attempt(project, "for-each-ref", "--format=%(upstream:short)", "--", branch)
