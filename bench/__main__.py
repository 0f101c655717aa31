"""python -m bench [--short | --long] [--against CHECKOUT] [--markdown] [hooks server ask ...]

Prints one table, each thing beside its floor, and beside the build of another checkout. Fails when
a ratio is more than twice its goal each time it is measured.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Callable

from bench import builds, table
from bench.measuring import Plan, Row

PARTS = (
    "hooks",
    "server",
    "ask",
    "completes",
    "starts",
    "commands",
    "watch",
    "mail",
    "idle",
    "workers",
    "merges",
    "crowd",
)
#: They take minutes.
LONG = ("minute",)
FULL, SHORT = 15, 3
#: How often a part is measured with a row that is far off: a machine may be busy for a moment.
#: Beside an earlier version once: that takes minutes, and somebody reads it.
TIMES = 3


def main() -> int:
    """1 when a goal is missed by far."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS, *LONG])
    parser.add_argument("--short", action="store_true", help="fewer rounds: for CI")
    parser.add_argument(
        "--against", metavar="CHECKOUT", type=builds.at, help="an earlier version, with its .venv"
    )
    parser.add_argument("--long", action="store_true", help=f"{', '.join(LONG)}, too: minutes")
    parser.add_argument("--markdown", action="store_true", help="for a page")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whoever is ended tidies up
    parts = given.parts or (*PARTS, *(LONG if given.long else ()))
    line = table.markdown_line if given.markdown else table.line
    print(table.MARKDOWN_HEAD if given.markdown else table.HEAD, flush=True)
    plan = Plan(SHORT if given.short else FULL, given.against)
    return 1 if [part for part in parts if _is_far(part, plan, line)] else 0


def _is_far(part: str, plan: Plan, line: Callable[[Row], str]) -> bool:
    """Whether the same row is far off each time."""
    far = _measured(part, plan, line)
    for _ in range(1, 1 if plan.other else TIMES):
        if far:
            far &= _measured(part, plan, line)
    return bool(far)


def _measured(part: str, plan: Plan, line: Callable[[Row], str]) -> set[tuple[str, str]]:
    """Prints a part's rows; gives those that are far off."""
    far = set()
    for row in importlib.import_module(f"bench.{part}").rows(plan):
        print(line(row), flush=True)
        if row.is_far:
            far.add((row.what, row.floor_is))
    return far


if __name__ == "__main__":
    sys.exit(main())
