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
    """The commit that a worker starts from. `behind`: how many commits its upstream is ahead."""

    name: str
    sha: str
    upstream: str = ""
    behind: int = 0


class Checkout(NamedTuple):
    """The checkout from which worktrees are made. `project`: the directory that was asked about;
    `top`: the top of its checkout; `main`: the main checkout, below which worktrees are created;
    `common`: git's directory of all worktrees; `head`, `branch`: what is checked out (empty: no
    commit, detached HEAD).
    """

    project: str
    top: str
    main: Path
    common: str
    head: str
    branch: str


def inspect_checkout(project: str) -> Checkout:
    """Runs git once. Raises NotARepository or WorktreeRefused."""
    return _checkout(project, ask(project, *_WHERE))


def _checkout(project: str, where: GitResult) -> Checkout:
    places = _places(project, where)
    head, branch = ("", "") if where.code else _lines(where)[-2:]
    branch = "" if branch == "HEAD" else branch.removeprefix(HEADS)
    return Checkout(project, *places, head, branch)


def inspect_checkout_for(project: str, prefix: str) -> tuple[Checkout, str]:
    """Returns the checkout, and the prefix for branches of workers there: `prefix`, or without its
    directories where a branch already has the name of one of them. Raises as `inspect_checkout`.
    """
    folders = [HEADS + folder for folder in _folders(prefix)]
    if not folders:
        return inspect_checkout(project), prefix
    # Nothing but the whole name fits a pattern with brackets.
    patterns = [f"{folder[:-1]}[{folder[-1]}]" for folder in folders]
    listing = ("for-each-ref", "--ignore-case", "--format=%(refname)", *patterns)
    where, taken = ask_all(project, _WHERE, listing)
    checkout = _checkout(project, where)
    for name in taken.text.splitlines():
        # Where case does not count, a branch that is spelled otherwise is in the way as well.
        near = next((folder for folder in folders if folder.lower() == name.lower()), name)
        if name == near or os.path.isfile(os.path.join(checkout.common, near)):
            return checkout, prefix.replace("/", "-")
    return checkout, prefix


def _folders(prefix: str) -> list[str]:
    parts = prefix.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def main_checkout(project: str) -> Path:
    """Returns the top directory of the main checkout, below which worktrees are created. Raises
    NotARepository.
    """
    return _places(project, ask(project, *_WHERE))[1]


def main_worktree(directory: str) -> str | None:
    """Returns the directory of the files that belong to the repository's own HEAD and index: empty
    when it is bare, None when git doesn't say where they are. Raises NotARepository or
    WorktreeRefused.

    `git worktree list` is no use here: its first entry names the directory that holds the git
    directory, which may be somewhere else altogether.
    """
    top, own, common = (run(directory, *_ASK, place) for place in _PLACES)
    return top if _is_same(own, common) else _worktree_of(common)


def resolve_base(checkout: Checkout, base_branch: str | None) -> Base:
    """Resolves a branch, tag or sha to its commit, with its upstream. Without a name: the commit
    that is checked out, whose upstream `with_upstream` adds. Raises InvalidInput for an unknown
    name, NotARepository when there are no commits.
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
    """Returns the full name (`refs/heads/...`) of the local branch that a name stands for, or an
    empty text. `@`, `@{-1}`, `refs/heads/x`, symbolic refs and `HEAD~0` stand for branches, too.
    """
    full = ("rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options")
    head = "HEAD" if _AT_HEAD.fullmatch(name) else name
    # As a branch first: a tag of the same name would be taken before it.
    for candidate in (HEADS + name, head):
        found = attempt(directory, *full, candidate) if name else ""
        if found.startswith(HEADS):
            return found
    return ""


def with_upstream(base: Base, standing: CheckoutStatus) -> Base:
    """Returns the base with its upstream, if it is what is checked out; else the base as it is."""
    if (base.name, base.sha) != (standing.branch, standing.head):
        return base
    return base._replace(upstream=standing.upstream, behind=standing.behind)


def _places(project: str, where: GitResult) -> tuple[str, Path, str]:
    """Returns the top of the own checkout, the main checkout, and git's common directory."""
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
    """Returns the worktree of a repository's own git directory: empty when it is bare, None when it
    is somewhere that git doesn't say.
    """
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
    """Returns True if the directory holds only `.git`, though the index lists files: then `.git` is
    reached by a link from where the files are.
    """
    return os.listdir(place) == [".git"] and bool(attempt(place, "ls-files", "--cached"))


def _is_same(path: str, other: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def _lines(said: GitResult) -> list[str]:
    """Splits at line feeds only: `splitlines` would also split at characters that a file name may
    hold.
    """
    return said.text.removesuffix("\n").split("\n")


def _upstream(project: str, branch: str) -> str:
    """Returns the short name of the upstream of a branch (`refs/heads/...`), or an empty text."""
    return attempt(project, "for-each-ref", "--format=%(upstream:short)", "--", branch)
