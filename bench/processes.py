"""What programs cost that are run to their end, and those that stay."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from bench.measuring import Cost


def run(
    command: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path | str,
    *,
    given: str = "",
    codes: Sequence[int] = (0,),
) -> Cost:
    """A program and all that it waits for. Raises RuntimeError when it ends otherwise."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(environ),
        cwd=cwd,
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(given.encode())
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise RuntimeError(f"{command} ended with {process.returncode}.")
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def cpu(pids: Iterable[int]) -> float:
    """Seconds of CPU so far of processes that run and of all below them, ended ones too; in ticks
    of the clock.
    """
    spent = 0.0
    for pid in pids:
        parent = psutil.Process(pid)
        for one in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                spent += times.user + times.system + times.children_user + times.children_system
    return spent
