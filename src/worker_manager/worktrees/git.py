"""Runs git; the only importer of GitPython.

GitPython is a thin way to run git here: a new `Git` for each call (it isn't thread-safe), a
time limit, no GIT_* variables, no questions, English messages.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else importing it fails without git
for _name in ("DIR", "WORK_TREE", "INDEX_FILE", "COMMON_DIR", "OBJECT_DIRECTORY", "NAMESPACE"):
    os.environ.pop(f"GIT_{_name}", None)  # one of them would redirect every git call

from git import Git  # noqa: E402  the variable above must be set first
from git.exc import GitCommandNotFound  # noqa: E402

from worker_manager.errors import NotARepository, WorktreeRefused  # noqa: E402

TIMEOUT_SECONDS = 300

#: No questions at a terminal and no editor, messages that can be matched, no lock for a mere look.
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "true",
    "GIT_MERGE_AUTOEDIT": "no",
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
}


class Said(NamedTuple):
    """How a git command ended, and what it said."""

    code: int
    text: str
    error: str


def ask(
    directory: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    seconds: float = TIMEOUT_SECONDS,
) -> Said:
    """What git says, whatever its exit code. Raises NotARepository when it can't be run."""
    git = Git()
    # Not its own way to change the directory: where that is gone it goes on in ours.
    command = ["git", "-C", directory, *arguments]
    try:
        with git.custom_environment(**{**_ENVIRONMENT, **(environment or {})}):
            code, text, complaint = git.execute(
                command,
                kill_after_timeout=seconds,
                with_extended_output=True,
                with_exceptions=False,
                strip_newline_in_stdout=False,
            )
    except GitCommandNotFound as error:
        raise NotARepository("git is not installed. Install it.") from error
    except OSError as error:
        raise NotARepository(f"git can't be run: {error.strerror}. Try again.") from error
    return Said(code, str(text), str(complaint))


def run(
    directory: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    seconds: float = TIMEOUT_SECONDS,
) -> str:
    """What git says, without its last newline. Raises WorktreeRefused, or NotARepository when it
    can't be run there.
    """
    said = ask(directory, *arguments, environment=environment, seconds=seconds)
    if said.code:
        command = next(word for word in arguments if word[0] != "-" and "=" not in word)
        raise WorktreeRefused(f"git {command} failed: {last_line(said.error)}")
    return said.text.removesuffix("\n")


def names(
    directory: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> list[str]:
    """The names that a git command gives with -z: nothing else tells one with a newline."""
    return run(directory, *arguments, environment=environment).split("\0")[:-1]


def attempt(directory: str, *arguments: str) -> str:
    """The answer, or an empty text when git says no."""
    try:
        return run(directory, *arguments)
    except WorktreeRefused:
        return ""


def last_line(error: str) -> str:
    """What git says that is wrong, of all that it wrote to stderr."""
    lines = [line.strip(" '") for line in error.splitlines() if line.strip()]
    fatal = [line for line in lines if "fatal:" in line or "error:" in line]
    return (fatal or lines or ["no message"])[-1]
