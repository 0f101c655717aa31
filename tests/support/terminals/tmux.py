"""The private tmux servers of tests, from outside of our own code."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from worker_manager.runtimes.tmux import server as tmux_server


def run_tmux(socket: str, *arguments: str) -> str:
    """Runs tmux for a test; its output."""
    done = subprocess.run(
        ["tmux", "-L", socket, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def tmux_pid(socket: str) -> int:
    """The process of the server."""
    return int(run_tmux(socket, "display-message", "-p", "#{pid}"))


@contextmanager
def hanging(socket: str) -> Iterator[None]:
    """While this is held, the server answers nobody; here a second is waited for it, not five."""
    server = tmux_pid(socket)
    os.kill(server, signal.SIGSTOP)
    try:
        with pytest.MonkeyPatch.context() as changed:
            changed.setattr(tmux_server, "TIMEOUT_SECONDS", 1.0)
            yield
    finally:
        os.kill(server, signal.SIGCONT)
