"""Runs git; the only importer of GitPython.

GitPython is a thin way to run git here: a new `Git` for each call (it isn't thread-safe), no
GIT_* variables, no questions, English messages. The time limit is ours: SIGTERM first, upon which
git takes back its lock files and what it had half made.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

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
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else importing it fails without git
for _name in _LOCAL:
    os.environ.pop(f"GIT_{_name}", None)

from git import Git  # noqa: E402  the variables above must be set first
from git.exc import GitCommandNotFound  # noqa: E402

from worker_manager.errors import NotARepository, WorktreeRefused  # noqa: E402

TIMEOUT_SECONDS = 300
_GRACE_SECONDS = 5

#: No questions at a terminal, messages that can be matched, no lock for a mere look.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}


def run(
    directory: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    stdin: str = "",
) -> str:
    """What git says, without its last newline; `settings` are those of this call, and of what
    git starts in it. Raises WorktreeRefused, or NotARepository when it can't be run there.
    """
    configured = [
        word for key, value in (settings or {}).items() for word in ("-c", f"{key}={value}")
    ]
    process = _start(directory, [*configured, *arguments], environment or {})
    try:
        output, complaint = process.communicate(os.fsencode(stdin), timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        _end(process)
        raise WorktreeRefused(
            f"git {arguments[0]} did not end within {TIMEOUT_SECONDS} s, and was ended. Run it by "
            f"hand in {directory} to see what keeps it: a filter, a hook, or the disk."
        ) from error
    if process.returncode:
        raise WorktreeRefused(f"git {arguments[0]} failed: {_last_line(os.fsdecode(complaint))}")
    return os.fsdecode(output).removesuffix("\n")


def attempt(directory: str, *arguments: str, stdin: str = "") -> str:
    """The answer, or an empty text when git says no."""
    try:
        return run(directory, *arguments, stdin=stdin)
    except WorktreeRefused:
        return ""


def _start(
    directory: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    git = Git(directory)
    try:
        with git.custom_environment(**_ENVIRONMENT, **environment):
            started = git.execute(
                ["git", *arguments], istream=subprocess.PIPE, as_process=True, process_group=0
            )
    except GitCommandNotFound as error:
        raise NotARepository("git is not installed, or the directory is gone.") from error
    except OSError as error:
        raise NotARepository(f"git can't be run: {error.strerror}. Try again.") from error
    process: subprocess.Popen[bytes] | None = started.proc
    assert process is not None  # noqa: S101  it was just started
    started.proc = None  # it would be killed when GitPython's wrapper goes
    return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends git and what it has started: a filter, a hook, a transport."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GRACE_SECONDS)
            return


def _last_line(complaint: str) -> str:
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    fatal = [line for line in lines if "fatal:" in line or "error:" in line]
    return (fatal or lines or ["no message"])[-1]
