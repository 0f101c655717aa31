"""Runs git: no GIT_* variables, no questions, English messages, and a time limit. At that git gets
SIGTERM first, upon which it takes back its lock files and what it had half made.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from worker_manager.errors import NotARepository, WorktreeRefused
from worker_manager.processes.child import Child
from worker_manager.worktrees import plain

#: `git rev-parse --local-env-vars`: each would redirect every git call, ours and a worker's. But
#: not CONFIG_COUNT, with which containers configure git.
_LOCAL = (
    "ALTERNATE_OBJECT_DIRECTORIES",
    "CEILING_DIRECTORIES",
    "COMMON_DIR",
    "CONFIG",
    "CONFIG_PARAMETERS",
    "DIR",
    "GRAFT_FILE",
    "IMPLICIT_WORK_TREE",
    "INDEX_FILE",
    "INTERNAL_SUPER_PREFIX",
    "NAMESPACE",
    "NO_REPLACE_OBJECTS",
    "OBJECT_DIRECTORY",
    "PREFIX",
    "QUARANTINE_PATH",
    "REPLACE_REF_BASE",
    "SHALLOW_FILE",
    "WORK_TREE",
)
for _name in _LOCAL:
    os.environ.pop(f"GIT_{_name}", None)

TIMEOUT_SECONDS = 300
_GRACE_SECONDS = 5

#: No questions at a terminal and no editor, messages that can be matched, no lock for a mere look.
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "true",
    "GIT_MERGE_AUTOEDIT": "no",
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
}


class GitResult(NamedTuple):
    """The exit code, stdout and stderr of a git command."""

    code: int
    text: str
    error: str


def ask(
    directory: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    seconds: float | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> GitResult:
    """Runs git and returns its exit code, stdout and stderr, whatever the code is. `meanwhile` runs
    while git does. `seconds` is the time limit (default TIMEOUT_SECONDS). Raises WorktreeRefused
    when git does not end in time, NotARepository when it can't be run.
    """
    process = _start(directory, arguments, environment or {})
    try:
        meanwhile()
    except BaseException:
        _end(process)
        raise
    return _heard(process, directory, arguments, stdin, seconds)


def ask_all(directory: str, *commands: Sequence[str]) -> list[GitResult]:
    """Runs several git commands at the same time and returns their results in the same order.
    Raises WorktreeRefused when one does not end in time (the others are ended), NotARepository when
    git can't be run.
    """
    return begin_all(directory, *commands)()


def begin_all(directory: str, *commands: Sequence[str]) -> Callable[[], list[GitResult]]:
    """As `ask_all`, for one who has to do meanwhile: gives what waits for the results. It must be
    called.
    """
    started: list[tuple[Child[bytes], Sequence[str]]] = []
    try:
        started.extend((_start(directory, command, {}), command) for command in commands)
    except NotARepository:
        _end_all(started)
        raise

    def heard() -> list[GitResult]:
        try:
            return [_heard(process, directory, command) for process, command in started]
        except BaseException:  # Ctrl-C, too
            _end_all(started)
            raise

    return heard


def _end_all(started: Sequence[tuple[Child[bytes], Sequence[str]]]) -> None:
    for process, _ in started:
        if process.poll() is None:
            _end(process)


def _heard(
    process: Child[bytes],
    directory: str,
    arguments: Sequence[str],
    stdin: str = "",
    seconds: float | None = None,
) -> GitResult:
    limit = TIMEOUT_SECONDS if seconds is None else seconds
    try:
        text, complaint = process.communicate(os.fsencode(stdin), timeout=limit)
    except subprocess.TimeoutExpired as error:
        _end(process)
        raise WorktreeRefused(
            f"git {_command(arguments)} did not end within {limit:g} s, and was ended. Look what "
            f"keeps it in {directory}: a filter, a hook, or the disk."
        ) from error
    except BaseException:
        _end(process)
        raise
    return GitResult(process.returncode, os.fsdecode(text), os.fsdecode(complaint))


@contextmanager
def conversation(directory: str, *arguments: str) -> Iterator[Child[bytes]]:
    """Runs a git command whose pipes the block reads and writes. On leaving the block the pipes are
    closed; a command that still runs after _GRACE_SECONDS is ended. Raises NotARepository when it
    can't be run.
    """
    process = _start(directory, arguments, {})
    try:
        yield process
    finally:
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what was to be said to it, and it will not hear
                pipe.close()  # type: ignore[union-attr]  # each is a pipe
        process.stdin = process.stdout = None
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
        if process.poll() is None:
            _end(process)
        process.stderr.close()  # type: ignore[union-attr]  # as above


def run(
    directory: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    seconds: float | None = None,
    meanwhile: Callable[[], None] = lambda: None,
    is_whole: bool = False,
) -> str:
    """Returns git's stdout, without its last newline unless `is_whole`. Raises WorktreeRefused when
    git fails or does not end in time, NotARepository when it can't be run.
    """
    said = ask(
        directory,
        *arguments,
        environment=environment,
        stdin=stdin,
        seconds=seconds,
        meanwhile=meanwhile,
    )
    if said.code:
        raise WorktreeRefused(f"git {_command(arguments)} failed: {last_line(said.error)}")
    return said.text if is_whole else said.text.removesuffix("\n")


def names(
    directory: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> list[str]:
    """Splits the NUL-separated output of a git command that was given -z: file names may hold
    newlines. Raises as `run`.
    """
    return run(directory, *arguments, environment=environment).split("\0")[:-1]


def attempt(directory: str, *arguments: str, stdin: str = "") -> str:
    """Returns git's stdout, or an empty text when git fails. Raises NotARepository when it can't be
    run.
    """
    try:
        return run(directory, *arguments, stdin=stdin)
    except WorktreeRefused:
        return ""


def known(directory: str, *arguments: str) -> str:
    """Returns git's stdout, or an empty text when the value does not exist: exit code 1 with
    nothing on stderr. Raises WorktreeRefused for every other failure.
    """
    said = ask(directory, *arguments)
    if said.code == 0:
        return said.text.removesuffix("\n")
    if said.code == 1 and not said.error:
        return ""
    raise WorktreeRefused(f"git {_command(arguments)} failed: {last_line(said.error)}")


def last_line(error: str) -> str:
    """Returns the last line of git's stderr that names an error; the last line at all when none
    does.
    """
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    fatal = [line for line in lines if "fatal:" in line or "error:" in line]
    return (fatal or lines or ["no message"])[-1]


def _start(
    directory: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> Child[bytes]:
    variables = {**_ENVIRONMENT, **plain.environment(_command(arguments)), **environment}
    try:
        # By -C, not cwd: where the directory is gone, git says it in its own words.
        return Child(
            ["git", "-C", directory, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables},
            process_group=0,
        )
    except FileNotFoundError as error:
        raise NotARepository("git is not installed. Install it.") from error
    except OSError as error:
        raise NotARepository(f"git can't be run: {error.strerror}. Try again.") from error


def _end(process: Child[bytes]) -> None:
    """Ends git and what it has started: a filter, a hook, a transport."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GRACE_SECONDS)
            return


def _command(arguments: Sequence[str]) -> str:
    """The git command's name: settings (`-c name=value`) may stand before it."""
    return next(word for word in arguments if word[0] != "-" and "=" not in word)
