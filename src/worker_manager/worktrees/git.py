"""Runs git; the only importer of GitPython.

GitPython is a thin way to run git here: a new `Git` for each call (it isn't thread-safe), a
time limit, no GIT_* variables, no questions, English messages.
"""

import os
from collections.abc import Mapping

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else importing it fails without git
for _name in ("DIR", "WORK_TREE", "INDEX_FILE", "COMMON_DIR", "OBJECT_DIRECTORY", "NAMESPACE"):
    os.environ.pop(f"GIT_{_name}", None)  # one of them would redirect every git call

from git import Git  # noqa: E402  the variable above must be set first
from git.exc import GitCommandError, GitCommandNotFound  # noqa: E402

from worker_manager.errors import NotARepository, WorktreeRefused  # noqa: E402

TIMEOUT_SECONDS = 300
BRANCHES = "refs/heads/worker/"


#: No questions at a terminal, messages that can be matched, no lock for a mere look.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}


def run(directory: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What git says, without its last newline. Raises WorktreeRefused, or NotARepository when it
    can't be run there.
    """
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


def attempt(directory: str, *arguments: str) -> str:
    """The answer, or an empty text when git says no."""
    try:
        return run(directory, *arguments)
    except WorktreeRefused:
        return ""


def _last_line(error: GitCommandError) -> str:
    lines = [line.strip(" '") for line in str(error.stderr).splitlines() if line.strip()]
    fatal = [line for line in lines if "fatal:" in line or "error:" in line]
    return (fatal or lines or ["no message"])[-1]
