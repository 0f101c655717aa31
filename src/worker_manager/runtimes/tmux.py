"""Workers in tmux sessions on a server of our own; the only importer of libtmux.

libtmux knows no time limit and reads "don't know" as "nothing": every call here goes through
`_Server.cmd`, which has one, and every answer is judged by its exit code and error text.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import libtmux
from libtmux.common import tmux_cmd

from worker_manager.errors import RuntimeUnavailable
from worker_manager.runtimes.base import Presence

TIMEOUT_SECONDS = 5.0
#: What tmux itself writes below a program that has ended.
_DEAD_PANE = "Pane is dead ("
#: What a pane of another server gave us; TMUX_TMPDIR is a setting, and stays.
_OF_A_PANE = ("TMUX", "TMUX_PANE")
#: How tmux says that its server, or the session, doesn't exist.
_ABSENT = ("no server running", "error connecting", "can't find session", "no such session")
#: tmux refuses a command line above this; names of variables are the bulk of ours.
_COMMAND_LIMIT_BYTES = 15_000


class _Answer(tmux_cmd):
    """A tmux command's outcome, run with a time limit."""

    def __init__(self, command: list[str]) -> None:
        self.cmd = command
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            env=_client_environment(),
        )
        self.returncode = done.returncode
        self.stdout = done.stdout.splitlines()
        self.stderr = done.stderr.splitlines()

    @property
    def says_absent(self) -> bool:
        """Whether tmux answered that there is nothing of the kind."""
        return any(word in line for line in self.stderr for word in _ABSENT)


class _Server(libtmux.Server):
    def cmd(  # type: ignore[override]  # as libtmux.Server itself does
        self, cmd: str, *args: Any, target: str | int | None = None
    ) -> _Answer:
        """As libtmux's, with a time limit. Raises RuntimeUnavailable."""
        tmux = shutil.which("tmux")
        if tmux is None:
            raise RuntimeUnavailable(
                "tmux is not installed. Install it (apt-get install tmux, or brew install tmux)."
            )
        # Our own settings only: a person's could change what a pane runs.
        command = [tmux, f"-L{self.socket_name}", "-f/dev/null", cmd]
        command += [] if target is None else ["-t", str(target)]
        try:
            return _Answer([*command, *map(str, args)])
        except subprocess.TimeoutExpired as error:
            raise RuntimeUnavailable(
                f"tmux (socket {self.socket_name}) did not answer within {TIMEOUT_SECONDS:.0f} s. "
                f"Look at it with: tmux -L {self.socket_name} ls"
            ) from error


class Tmux:
    """The runtime: one tmux session for each worker; its handle is the session's name."""

    def __init__(self, socket_name: str) -> None:
        self._socket_name = socket_name
        self._server = _Server(socket_name=socket_name)

    def check(self) -> None:
        """Asks the server something, so that a hanging one is known before a start."""
        answer = self._server.cmd("list-sessions")
        if answer.returncode and not answer.says_absent:
            raise _unavailable(answer)

    def launch(self, handle: str, argv: Sequence[str], *, cwd: str) -> None:
        """One call (two with hundreds of variables): options, session, and our environment for
        this session alone.

        The variables travel over tmux's socket, never a command line or a file; only their
        names are given. They are removed from the server's global environment again, so that
        no worker inherits what another orchestrator had.
        """
        names = sorted(name for name in _client_environment() if name.isidentifier())
        command = ["-g", "update-environment", " ".join(names)]
        for option in (("remain-on-exit", "on"), ("history-limit", "20000"), ("mouse", "on")):
            command += [";", "set-option", "-g", *option]
        form = ("-x", "200", "-y", "50")
        command += [";", "new-session", "-d", "-s", handle, *form, "-c", _literal(cwd), "--", *argv]
        size = sum(len(part.encode()) + 1 for part in command)
        if size > _COMMAND_LIMIT_BYTES:
            raise RuntimeUnavailable(
                f"The environment has {len(names)} variables, more than tmux takes. "
                "Start Claude Code with a smaller environment."
            )
        together, *later = _forget(names, _COMMAND_LIMIT_BYTES - size)
        answer = self._server.cmd("set-option", *command, *together)
        if answer.returncode:
            raise _unavailable(answer)
        for chunk in later:
            self._server.cmd(*chunk[1:])

    def probe(self, handles: Sequence[str]) -> dict[str, Presence]:
        """One `list-panes` for all of them. A dead pane is a gone agent."""
        try:
            answer = self._server.cmd("list-panes", "-a", "-F", "#{session_name} #{pane_dead}")
        except RuntimeUnavailable:
            return dict.fromkeys(handles, Presence.UNKNOWN)
        if answer.returncode and not answer.says_absent:
            return dict.fromkeys(handles, Presence.UNKNOWN)
        alive = {line.split()[0] for line in answer.stdout if line.endswith(" 0")}
        return {name: Presence.ALIVE if name in alive else Presence.GONE for name in handles}

    def screen(self, handle: str) -> str:
        """The last 200 lines."""
        try:
            answer = self._server.cmd("capture-pane", "-p", "-S", "-200", target=f"={handle}:")
        except RuntimeUnavailable:
            return ""
        lines = [line.rstrip() for line in answer.stdout]
        return "\n".join(line for line in lines if line and not line.startswith(_DEAD_PANE))

    def end(self, handle: str) -> None:
        """Ends the session of exactly this name."""
        answer = self._server.cmd("kill-session", target=f"={handle}")
        if answer.returncode and not answer.says_absent:
            raise _unavailable(answer)

    def attach_command(self, handle: str) -> list[str]:
        """`tmux attach` to exactly this session."""
        return ["tmux", "-L", self._socket_name, "attach-session", "-t", f"={handle}"]


def _forget(names: Sequence[str], room: int) -> list[list[str]]:
    """Commands that remove variables from the server's global environment, each with its
    leading `;`, in portions: the first of at most `room` bytes, the others of a whole call.
    """
    portions: list[list[str]] = [[]]
    for name in names:
        part = [";", "set-environment", "-gu", name]
        room -= sum(len(word) + 1 for word in part)
        if room < 0:
            portions.append([])
            room = _COMMAND_LIMIT_BYTES - 100
        portions[-1] += part
    return portions


def _literal(path: str) -> str:
    """tmux expands formats in a directory, `#(command)` among them."""
    return path.replace("#", "##")


def _client_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_A_PANE}


def _unavailable(answer: _Answer) -> RuntimeUnavailable:
    said = " ".join(answer.stderr) or "(no message)"
    return RuntimeUnavailable(f"tmux failed with code {answer.returncode}: {said}")
