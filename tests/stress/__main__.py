"""Breaks worker-manager in every way we know, and counts what became of its messages.

python -m tests.stress              # all of it, some minutes
python -m tests.stress crowd        # one part
python -m tests.stress --dose 0.1   # a tenth of it
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.acceptance.conftest import CLAUDE_VERSIONS
from tests.conftest import end_tmux
from tests.stress import parts
from tests.stress.faults import faults
from tests.stress.foreign import foreign
from tests.stress.journeys import journeys
from tests.stress.lives import lives
from tests.stress.long_calls import long_calls
from tests.stress.tally import Tally
from tests.support.claude.claude_cli import CliMissingError, find_cli

PARTS = {
    "completions": lambda dose: {"rounds": max(1, round(10 * dose))},
    "crowd": lambda dose: {"messages": max(320, round(20_000 * dose))},
    "killed_hooks": lambda dose: {"kills": max(5, round(500 * dose))},
    "killed_starts": lambda dose: {"every": max(1, round(1 / dose))},
    "starts": lambda dose: {"rounds": max(1, round(20 * dose))},
    "lives": lambda dose: {"workers": max(9, round(20 * dose)), "real": newest_cli()},
    "journeys": lambda dose: {"files": round(20_000 * dose), "commits": round(2_000 * dose)},
    "long_calls": lambda dose: {"seconds": max(5.0, 150 * dose)},
    "foreign": lambda dose: {
        "every": max(1, round(1 / dose)),
        "examples": max(1, round(300 * dose)),
    },
    "faults": lambda dose: {
        "every": max(1, round(1 / dose)),
        "examples": max(6, round(60 * dose)),
        "races": max(1, round(100 * dose)),
    },
    "killed_tmux": lambda dose: {"workers": max(2, round(20 * dose))},
}


def newest_cli() -> str:
    """The newest installed Claude Code that the tests know; empty when there is none."""
    for version in reversed(CLAUDE_VERSIONS):
        with suppress(CliMissingError):
            find_cli(version)
            return version
    sys.stdout.write("(no Claude Code is installed: all workers play scripts)\n")
    return ""


def main() -> int:
    """1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", choices=[[], *PARTS])
    parser.add_argument("--dose", type=float, default=1.0)
    given = parser.parse_args()
    is_clean = True
    for name in given.part or PARTS:
        is_clean = run(name, given.dose) and is_clean
    return 0 if is_clean else 1


def _part(name: str) -> Callable[..., Tally]:
    elsewhere = {
        "faults": faults,
        "foreign": foreign,
        "journeys": journeys,
        "lives": lives,
        "long_calls": long_calls,
    }
    return elsewhere.get(name) or getattr(parts, name)


def run(name: str, dose: float) -> bool:
    """One part in a place of its own; prints its counts."""
    socket = f"wm-stress-{os.getpid()}"
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wm-stress-", ignore_cleanup_errors=True) as folder:
        os.environ["HOME"] = folder
        os.environ["WORKER_MANAGER_STATE_DIR"] = os.path.realpath(f"{folder}/state")
        Path(folder, ".gitconfig").write_text(
            "[user]\n name = Test\n email = test@example.invalid\n", "utf-8"
        )
        try:
            tally = _part(name)(Path(folder), socket, **PARTS[name](dose))
        finally:
            end_tmux(socket)
    seconds = time.monotonic() - started
    sys.stdout.write(f"{name:14} {tally}  {seconds:.0f} s\n")
    sys.stdout.flush()
    return tally.is_clean


if __name__ == "__main__":
    sys.exit(main())
