"""How often a call waits for the disk."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from bench.builds import Build
from bench.client import Server
from bench.measuring import Row

_KINDS = "fsync,fdatasync,sync_file_range,syncfs,sync,msync"


@cache
def can_count() -> bool:
    """Whether strace is there, and may look."""
    if not shutil.which("strace"):
        return False
    done = subprocess.run(["strace", "-f", "-qq", "true"], capture_output=True, check=False)
    return done.returncode == 0


def count(serve: Callable[[list[str]], Server], call: Callable[[Server], object]) -> int:
    """Of all processes of a server during one call; `serve` starts it behind the words given."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", prefix="worker-manager-") as file:
        strace = ["strace", "-f", "-qq", "-ttt", "--seccomp-bpf", "-e", f"trace={_KINDS}"]
        with serve([*strace, "-o", file.name]) as server:
            began = time.time()
            call(server)
            ended = time.time()
        lines = Path(file.name).read_text("utf-8").splitlines()
    begun = [float(line.split()[1]) for line in lines if "resumed>" not in line and "(" in line]
    return sum(began <= moment <= ended for moment in begun)


def row(what: str, most: float, counts: Sequence[float], other: Build | None) -> Row:
    """A goal in calls, also beside an earlier version, whose count is the second."""
    floor, floor_is = (counts[1], other.name) if other else (1.0, "one")
    return Row(f"{what}: fsyncs", floor_is, counts[0], floor, most / floor, unit="times")
