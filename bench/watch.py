"""The live view in a terminal: its first screen, and what it costs while nothing happens."""

from __future__ import annotations

import fcntl
import os
import pty
import selectors
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from bench import processes
from bench.builds import own
from bench.crew import TITLE, Crew, crew
from bench.measuring import Cost, Plan, Row, cost_rows, costs_in_turns

_WORKERS, _IDLE_SECONDS, _SHORT_SECONDS = 20, 30.0, 6.0
#: What it does once its first screen stands is not idleness.
_SETTLE_SECONDS = 5.0
_SECONDS = 60.0


def rows(plan: Plan) -> Iterator[Row]:
    """Beside an earlier version."""
    if not plan.other:
        return
    with crew(own()) as ours, crew(plan.other) as theirs:
        crews = [_with_workers(made) for made in (ours, theirs)]
        took, before = costs_in_turns(
            min(plan.rounds, 7), [partial(_first_screen, made) for made in crews]
        )
        yield from cost_rows("watch: first screen, 20 workers", plan.other.name, took, before, 0.6)
        seconds = _IDLE_SECONDS if plan.rounds > 10 else _SHORT_SECONDS
        spent, more = (_idle(made, seconds) for made in crews)
        yield Row(f"watch: CPU of {seconds:.0f} idle s", plan.other.name, spent, more, 0.3)


def _with_workers(made: Crew) -> Crew:
    with made.orchestrator() as server:
        for _ in range(_WORKERS):
            made.worker(server)
    return made


def _first_screen(made: Crew) -> Cost:
    """Until a worker stands on it; the CPU is that of its whole life."""
    start = time.perf_counter()
    with _watching(made) as view:
        wall = time.perf_counter() - start
    return Cost(wall, view.used)


def _idle(made: Crew, seconds: float) -> float:
    """Seconds of CPU."""
    with _watching(made) as view:
        view.read_for(_SETTLE_SECONDS)
        used = processes.cpu([view.pid])
        view.read_for(seconds)
        return processes.cpu([view.pid]) - used


class _View:
    """A live view and the other end of its terminal. `used` is its CPU once it has ended."""

    def __init__(self, terminal: int, pid: int) -> None:
        self.pid = pid
        self.used = 0.0
        self._terminal = terminal

    def read_until(self, text: bytes) -> None:
        """Raises RuntimeError when it doesn't show that in time."""
        shown, deadline = bytearray(), time.monotonic() + _SECONDS
        while text not in shown:
            if time.monotonic() > deadline:
                raise RuntimeError(f"The live view shows no {text!r}.")
            shown += self._read(1.0)

    def read_for(self, seconds: float) -> None:
        """As a terminal does that shows what comes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def end(self) -> None:
        """As `q` does it, but at once."""
        os.write(self._terminal, b"q")
        ended, usage = 0, None
        while not ended:
            self._read(0.05)
            ended, _, usage = os.wait4(self.pid, os.WNOHANG)
        assert usage is not None
        self.used = usage.ru_utime + usage.ru_stime

    def _read(self, seconds: float) -> bytes:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._terminal, selectors.EVENT_READ)
            if not waiting.select(seconds):
                return b""
        with suppress(OSError):  # nobody has the other end any more
            return os.read(self._terminal, 1 << 16)
        return b""


@contextmanager
def _watching(made: Crew) -> Iterator[_View]:
    """A live view that shows workers."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    process = subprocess.Popen(
        [made.build.launcher, "watch"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**made.shell, "TERM": "xterm-256color", "COLORFGBG": "15;0"},
        cwd=made.repository,
        start_new_session=True,
    )
    os.close(theirs)
    view = _View(ours, process.pid)
    try:
        view.read_until(TITLE.encode())
        yield view
    finally:
        view.end()
        process.returncode = 0  # `end` has waited for it
        os.close(ours)
