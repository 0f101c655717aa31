"""All of `tests/faults`: killed at every step, and as many races as were promised."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import CHECKOUT
from tests.stress.tally import Tally


def faults(_folder: Path, _socket: str, *, every: int, examples: int, races: int) -> Tally:
    """Each `every`th step, so many random works and races. Tests that fail are `unaccounted`."""
    chosen = {"EVERY": every, "EXAMPLES": examples, "RACES": races}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-o", "timeout=0", "tests/faults"],
        cwd=CHECKOUT,
        env={
            **os.environ,
            **{f"WORKER_MANAGER_TEST_{name}": str(value) for name, value in chosen.items()},
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [one for one in done.stdout.splitlines() if one.startswith(("FAILED", "ERROR"))]
    sys.stdout.write("".join(f"  {line}\n" for line in lines))
    return Tally(unaccounted=len(lines) or int(done.returncode != 0))
