"""Worktrees and branches of workers; the only importer of git.

GitPython is a thin way to run git here: a new `Git` for each call (it isn't thread-safe), a
time limit, no GIT_* variables, no questions, English messages.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else importing it fails without git
for _name in ("DIR", "WORK_TREE", "INDEX_FILE", "COMMON_DIR", "OBJECT_DIRECTORY", "NAMESPACE"):
    os.environ.pop(f"GIT_{_name}", None)  # one of them would redirect every git call

from git import Git  # noqa: E402  the variable above must be set first
from git.exc import GitCommandError, GitCommandNotFound  # noqa: E402

from worker_manager.errors import InvalidInput, NotARepository, WorktreeRefused  # noqa: E402

TIMEOUT_SECONDS = 300
BRANCHES = "refs/heads/worker/"


class Base(NamedTuple):
    """The commit that a worker starts from. `behind` counts commits its upstream is ahead."""

    name: str
    sha: str
    upstream: str
    behind: int


class Work(NamedTuple):
    """What a worker's directory holds beyond its base."""

    head: str
    commits: int
    diffstat: str
    uncommitted: int


class Progress(NamedTuple):
    """Commits since the base; files that differ from it, committed or not."""

    commits: int
    files: int


def main_checkout(project: str) -> Path:
    """The top directory below which the repository's worktrees go. Raises NotARepository."""
    inside = _try(project, "rev-parse", "--is-inside-work-tree")
    if inside != "true":
        bare = _try(project, "rev-parse", "--is-bare-repository") == "true"
        what = "a bare repository" if bare else "not a git repository"
        advice = "start in a checkout of it" if bare else "run git init and commit"
        raise NotARepository(
            f"{project} is {what}: {advice}, or call start_worker with use_worktree=false."
        )
    top = Path(_git(project, "rev-parse", "--show-toplevel"))
    own = _git(project, "rev-parse", "--absolute-git-dir")
    common = _git(project, "rev-parse", "--path-format=absolute", "--git-common-dir")
    if os.path.realpath(own) == os.path.realpath(common):
        return top
    main = Path(common).parent
    return main if Path(common).name == ".git" and main.is_dir() else top


def resolve_base(project: str, base_branch: str | None) -> Base:
    """The commit that a branch, tag or sha names now; without a name, what is checked out."""
    if base_branch is not None and (not base_branch.strip() or base_branch.startswith("-")):
        raise InvalidInput(f"{base_branch!r} is no branch name. Name a branch, a tag or a sha.")
    name = base_branch or "HEAD"
    sha = _try(
        project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    if not sha:
        if base_branch is None:
            raise NotARepository(
                f"{project} has no commits yet: commit once, or call start_worker with "
                "use_worktree=false."
            )
        raise InvalidInput(
            f"There is no branch, tag or commit {base_branch!r} in {project}. "
            "Run git branch --all for the names."
        )
    branch = base_branch or _try(project, "symbolic-ref", "--quiet", "--short", "HEAD")
    upstream = _upstream(project, branch)
    behind = _try(project, "rev-list", "--count", f"{sha}..{upstream}") if upstream else ""
    return Base(branch or sha[:12], sha, upstream, int(behind or 0))


def _upstream(project: str, branch: str) -> str:
    """The short name of a branch's upstream, or an empty text."""
    reference = f"refs/heads/{branch}"
    return _try(project, "for-each-ref", "--format=%(upstream:short)", "--", reference)


def uncommitted(path: str) -> int:
    """How many files have changes that no commit holds."""
    return len(_git(path, "status", "--porcelain", "--untracked-files=all").splitlines())


def branches(project: str) -> frozenset[str] | None:
    """The names of the workers' branches that exist; None when git didn't say."""
    try:
        listed = _git(project, "for-each-ref", "--format=%(refname:lstrip=2)", BRANCHES)
    except (NotARepository, WorktreeRefused):
        return None
    return frozenset(listed.splitlines())


def create(checkout: Path, path: Path, branch: str, base_sha: str) -> None:
    """A new worktree below the checkout, on a new branch. Raises WorktreeRefused."""
    _require_inside(checkout, path.parent)
    _exclude(checkout, path.parent.relative_to(checkout).as_posix())
    _git(str(checkout), "worktree", "add", "--quiet", "-b", branch, "--", str(path), base_sha)


def remove_unused(checkout: Path, path: Path, branch: str, base_sha: str) -> None:
    """Takes back a worktree that `create` has just made and nobody has used."""
    _git(str(checkout), "worktree", "remove", "--", str(path))
    _git(str(checkout), "update-ref", "-d", f"refs/heads/{branch}", base_sha)


def reopen(checkout: Path, path: Path, branch: str) -> None:
    """Makes a worker's worktree again, on its branch. Raises WorktreeRefused."""
    _require_inside(checkout, path.parent)
    _git(str(checkout), "worktree", "prune")
    _git(str(checkout), "worktree", "add", "--quiet", "--", str(path), branch)


def save(path: str, ref: str, message: str) -> str:
    """Saves what no commit holds, untracked files too, as a commit under `ref`; the worktree and
    its index stay as they are. Gives its sha; empty when all is committed.
    """
    if not uncommitted(path):
        return ""
    index = os.path.join(path, _git(path, "rev-parse", "--git-path", "index"))
    with tempfile.TemporaryDirectory() as folder:
        copy = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
        shutil.copyfile(index, copy["GIT_INDEX_FILE"])
        _git(path, "add", "--all", environment=copy)
        tree = _git(path, "write-tree", environment=copy)
    sha = _git(path, "commit-tree", tree, "-p", "HEAD", "-m", message, environment=_OURS)
    _git(path, "update-ref", ref, sha)
    return sha


def progress(path: str, base_sha: str) -> Progress | None:
    """How far a worker's directory has come from its base; None when git doesn't say."""
    try:
        commits = int(_git(path, "rev-list", "--count", f"{base_sha}..HEAD"))
        changed = _git(path, "diff", "--name-only", base_sha).splitlines()
        new = _git(path, "ls-files", "--others", "--exclude-standard").splitlines()
    except (NotARepository, WorktreeRefused):
        return None
    return Progress(commits, len(changed) + len(new))


def describe(path: str, base_sha: str) -> Work:
    """What lies in a worker's directory now. Raises WorktreeRefused."""
    head = _git(path, "rev-parse", "HEAD")
    if not base_sha:
        return Work(head, 0, "", uncommitted(path))
    commits = int(_git(path, "rev-list", "--count", f"{base_sha}..HEAD"))
    diffstat = _git(path, "diff", "--stat", "--no-color", f"{base_sha}..HEAD")
    return Work(head, commits, diffstat, uncommitted(path))


def _require_inside(checkout: Path, directory: Path) -> None:
    real = os.path.realpath(directory)
    if not Path(real).is_relative_to(os.path.realpath(checkout)):
        raise WorktreeRefused(
            f"{directory} leads out of {checkout}, to {real}: no worktree is made there. Remove "
            "the link, or set worktree.directory to a directory inside of the checkout."
        )


def _exclude(checkout: Path, directory: str) -> None:
    """Keeps the worktrees out of the repository's status, without touching its files."""
    common = _git(str(checkout), "rev-parse", "--path-format=absolute", "--git-common-dir")
    path = Path(common) / "info" / "exclude"
    line = f"/{directory}/"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    if line not in lines:
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(("" if not lines else "\n") + line + "\n")


#: No questions at a terminal, messages that can be matched, no lock for a mere look.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}


#: Whose commits those are that save work: the person may have no identity set.
_OURS = {
    "GIT_AUTHOR_NAME": "worker-manager",
    "GIT_AUTHOR_EMAIL": "worker-manager@localhost",
    "GIT_COMMITTER_NAME": "worker-manager",
    "GIT_COMMITTER_EMAIL": "worker-manager@localhost",
}


def _git(directory: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    git = Git(directory)
    try:
        with git.custom_environment(**_ENVIRONMENT, **(environment or {})):
            return str(git.execute(["git", *arguments], kill_after_timeout=TIMEOUT_SECONDS))
    except GitCommandNotFound as error:
        raise NotARepository("git is not installed, or the directory is gone.") from error
    except GitCommandError as error:
        raise WorktreeRefused(f"git {arguments[0]} failed: {_last_line(error)}") from error
    except OSError as error:
        raise NotARepository(f"git can't be run: {error.strerror}. Try again.") from error


def _try(directory: str, *arguments: str) -> str:
    """The answer, or an empty text when git says no."""
    try:
        return _git(directory, *arguments)
    except WorktreeRefused:
        return ""


def _last_line(error: GitCommandError) -> str:
    lines = [line.strip(" '") for line in str(error.stderr).splitlines() if line.strip()]
    fatal = [line for line in lines if "fatal:" in line or "error:" in line]
    return (fatal or lines or ["no message"])[-1]
