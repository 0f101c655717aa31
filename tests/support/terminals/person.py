"""A person at a terminal: types commands of ours, and reads the screen."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

from tests.support.terminals.tmux import run_tmux
from tests.support.waiting import WAIT_SECONDS, wait_until
from worker_manager import cli

MODULE = [sys.executable, "-I", "-m", "worker_manager"]


def worker_manager(
    *arguments: str, cwd: Path, given: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command without a terminal."""
    return subprocess.run(
        [*MODULE, *arguments],
        cwd=cwd,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
        env={**os.environ, **environ},
    )


def worker_manager_here(
    *arguments: str, cwd: Path, **environ: str
) -> subprocess.CompletedProcess[str]:
    """The same in this process, which has loaded already what a command needs."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    with (
        pytest.MonkeyPatch.context() as changed,
        chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        changed.setattr(sys, "stdin", io.StringIO())
        for name, value in environ.items():
            changed.setenv(name, value)
        code = cli.main(list(arguments))
    said = [_written(stream) for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *said)


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


class Terminal:
    """A command in a terminal of 80 columns and 24 lines: a tmux pane on a server of its own,
    which for the command is no tmux unless `is_tmux`.
    """

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def run(
        self, *arguments: str, cwd: Path, is_tmux: bool = False, program: Sequence[str] = MODULE
    ) -> None:
        """Begins it."""
        outside = [] if is_tmux else ["env", "-u", "TMUX", "-u", "TMUX_PANE"]
        size = ("-x", "80", "-y", "24", "-c", str(cwd))
        # tmux 3.3 does not always know the status of a pane that is dead.
        shell = ("sh", "-c", 'trap : INT; "$@"; echo "[ended: $?]"; exec sleep 1000', "sh")
        command = (*shell, *outside, *program, *arguments)
        run_tmux(
            self._socket, "-f/dev/null", "new-session", "-d", "-s", "person", *size, "--", *command
        )

    def type(self, text: str) -> None:
        """A line."""
        run_tmux(self._socket, "send-keys", "-t", "=person:", "-l", text)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Keys, as tmux calls them."""
        run_tmux(self._socket, "send-keys", "-t", "=person:", *keys)

    def screen(self, *, above: int = 100) -> str:
        """What it shows, with lines that have left it above. tmux keeps there what was cleared from
        the first line on, too.
        """
        return run_tmux(self._socket, "capture-pane", "-p", "-S", str(-above), "-t", "=person:")

    def wait_for(self, text: str) -> str:
        """The screen, once this stands on it."""
        seen = ""

        def look() -> str:
            nonlocal seen
            seen = self.screen()
            return seen if text in seen else ""

        return wait_until(look, missing=lambda: f"no {text!r} on:\n{seen}")

    def wait_for_end(self) -> int:
        """The exit code."""
        found = wait_until(
            lambda: re.search(r"^\[ended: (\d+)\]", self.screen(), re.MULTILINE),
            missing=self.screen,
        )
        return int(found[1])

    def windows(self) -> list[str]:
        """The names of its windows."""
        return run_tmux(self._socket, "list-windows", "-t", "=person", "-F", "#W").split()


def output_of(*command: str, cwd: Path, **environ: str) -> str:
    """All that a command writes to a terminal, which is its stdout."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **environ}
    )
    os.close(theirs)
    written = b""
    with suppress(OSError):  # EIO: it has ended
        while part := os.read(ours, 65_536):
            written += part
    os.close(ours)
    process.wait(WAIT_SECONDS)
    return written.decode()


def steps(*played: str) -> str:
    """A task for the scripted agent: each step as JSON."""
    return f"Do it.\n```steps\n[{', '.join(played)}]\n```"


ASK = '{"ask": "Which greeting?"}'
WRITE = '{"write": {"path": "greeting.txt", "text": "{answer}\\n"}}'
COMMIT = '{"commit": "Add the greeting"}'
COMPLETE = '{"complete": "It says: {answer}"}'
HANG = '{"hang": true}'
