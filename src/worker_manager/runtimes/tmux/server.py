"""A tmux server of our own, asked with a time limit. Every answer is judged by its exit code and
error text: "don't know" is not "nothing".
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from contextlib import suppress
from errno import ENAMETOOLONG
from typing import NamedTuple

from worker_manager.errors import RuntimeUnavailable
from worker_manager.processes.child import Child
from worker_manager.runtimes.tmux import environment as inheritance

TIMEOUT_SECONDS = 5.0
#: What a pane of another server gave us; TMUX_TMPDIR is a setting, and stays.
_OF_A_PANE = ("TMUX", "TMUX_PANE", inheritance.STARTER)
#: How tmux says that its server, or the session, doesn't exist. That it must not connect, or
#: can't for another reason, says nothing.
_ABSENT = (
    "no server running",
    "(No such file or directory)",
    "(Connection refused)",
    "can't find session",
    "no such session",
)
_ENDED = ("server exited", "lost server")
_OWN_FOLDER = f"tmux-{os.getuid()}"


class Answer(NamedTuple):
    """A tmux command's outcome: its exit code, and the lines that it wrote."""

    returncode: int
    stdout: list[str]
    stderr: list[str]

    @property
    def says_absent(self) -> bool:
        """Whether tmux answered that there is nothing of the kind."""
        return any(word in line for line in self.stderr for word in _ABSENT)

    @property
    def says_refused(self) -> bool:
        """Whether it made no session, because of another one's variables."""
        return any(inheritance.REFUSED in line for line in self.stderr)

    @property
    def says_taken(self) -> bool:
        """Whether it made no session, because there is one of that name."""
        return any("duplicate session" in line for line in self.stderr)

    @property
    def says_ended(self) -> bool:
        """Whether the server ended meanwhile: its last session went away just then."""
        return any(word in line for line in self.stderr for word in _ENDED)


class Server(NamedTuple):
    """The server behind a socket, with our own settings only."""

    socket_path: str

    def cmd(self, cmd: str, *args: str, target: str | None = None) -> Answer:
        """As `ask`, and waits."""
        return self.ask(cmd, *args, target=target)()

    def ask(self, cmd: str, *args: str, target: str | None = None) -> Callable[[], Answer]:
        """Gives what waits for the answer, and raises RuntimeUnavailable; must be called."""
        tmux = shutil.which("tmux")
        if tmux is None:
            raise RuntimeUnavailable(
                "tmux is not installed. Install it (apt-get install tmux, or brew install tmux)."
            )
        # Our own settings only: a person's could change what a pane runs.
        command = [tmux, f"-S{self.socket_path}", "-f/dev/null", cmd]
        command += [] if target is None else ["-t", target]
        command += args
        try:
            process = Child(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=inheritance.marked(own_environment()),
            )
        except OSError as error:
            raise RuntimeUnavailable(f"tmux can't be run: {error.strerror}. Try again.") from error
        return lambda: self._answer(process)

    def _answer(self, process: Child[str]) -> Answer:
        with process:
            try:
                stdout, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise RuntimeUnavailable(
                    f"tmux (socket {self.socket_path}) did not answer within "
                    f"{TIMEOUT_SECONDS:.0f} s. Look at it with: tmux -S {self.socket_path} ls"
                ) from error
            return Answer(process.returncode, stdout.splitlines(), stderr.splitlines())


def socket_directory() -> str:
    """Where tmux itself keeps its sockets, so that `tmux -L` finds ours too."""
    base = os.environ.get("TMUX_TMPDIR", "")
    if not os.path.isdir(base):
        base = "/tmp"  # noqa: S108  tmux's own choice; make_socket_directory checks whose it is
    return os.path.join(os.path.realpath(base), _OWN_FOLDER)


def make_socket_directory(path: str) -> None:
    """tmux makes it for `-L` only. Raises RuntimeUnavailable when it is not ours alone."""
    try:
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
        status = os.lstat(path)
    except OSError as error:
        raise RuntimeUnavailable(
            f"The directory {path} for tmux's sockets can't be made: {error.strerror}. "
            "Set TMUX_TMPDIR to a directory that is yours."
        ) from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise RuntimeUnavailable(
            f"{path} is no directory of yours alone. Set TMUX_TMPDIR to one that is."
        )


def own_environment() -> dict[str, str]:
    """The environment without what a pane of another server gave us."""
    return {name: value for name, value in os.environ.items() if name not in _OF_A_PANE}


def unavailable(answer: Answer) -> RuntimeUnavailable:
    """The error of a command that failed, in tmux's words."""
    said = " ".join(answer.stderr) or "(no message)"
    way_out = (
        ". Set TMUX_TMPDIR to a shorter directory." if os.strerror(ENAMETOOLONG) in said else ""
    )
    return RuntimeUnavailable(f"tmux failed with code {answer.returncode}: {said}{way_out}")
