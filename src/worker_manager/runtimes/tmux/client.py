"""How a person who is in tmux gets to a worker's terminal without leaving it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from worker_manager.domain.worker import Worker

#: What a pane has of the tmux server that it runs in; tmux refuses to attach inside of tmux.
OF_A_PANE = ("TMUX", "TMUX_PANE")
#: A tmux that hangs must not hang who asks it.
SECONDS = 10.0


def is_in_tmux() -> bool:
    """Whether the person's terminal is a pane of tmux."""
    return bool(os.environ.get("TMUX"))


def show_in_tmux(worker: Worker, there: Sequence[str]) -> str:
    """Has the tmux that the person is in show it: in our own its client goes to the worker, in
    another one a window is opened in which `there` runs. Gives what went wrong, else nothing.
    """
    outer = os.environ.get("TMUX", "").rpartition(",")[0].rpartition(",")[0]
    ours = worker.handle.rpartition(":")[0]
    if os.path.realpath(outer) == os.path.realpath(ours):
        return _tmux("switch-client", "-t", f"={worker.name}")
    outside = ["env", *(part for name in OF_A_PANE for part in ("-u", name))]
    return _tmux("new-window", "-n", worker.name, "--", *outside, *there)


def _tmux(*order: str) -> str:
    try:
        done = subprocess.run(
            ["tmux", *order],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"it did not answer within {SECONDS:g} s"
    return (done.stderr.strip() or "(no message)") if done.returncode else ""
