"""python -m bench [--short] [--against CHECKOUT] [hooks server ask ...]

Prints one table, each thing beside its floor, and beside the build of another checkout. Fails when
a ratio is more than twice its goal each time it is measured.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from bench import builds
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
FULL, SHORT = 15, 3
#: How often a part is measured with a row that is far off: a machine may be busy for a moment.
#: Beside an earlier version once: that takes minutes, and somebody reads it.
TIMES = 3


def main() -> int:
    """1 when a goal is missed by far."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS])
    parser.add_argument("--short", action="store_true", help="fewer rounds: for CI")
    parser.add_argument(
        "--against", metavar="CHECKOUT", type=builds.at, help="an earlier version, with its .venv"
    )
    given = parser.parse_args()
    sys.stdout.write(f"{'':44}{'ours':>10}{'other':>10}{'ratio':>7}{'goal':>6}\n")
    plan = Plan(SHORT if given.short else FULL, given.against)
    return 1 if [part for part in given.parts or PARTS if _is_far(part, plan)] else 0


def _is_far(part: str, plan: Plan) -> bool:
    """Whether the same row is far off each time."""
    far = _measured(part, plan)
    for _ in range(1, 1 if plan.other else TIMES):
        if far:
            far &= _measured(part, plan)
    return bool(far)


def _measured(part: str, plan: Plan) -> set[tuple[str, str]]:
    """Prints a part's rows; gives those that are far off."""
    far = set()
    for row in importlib.import_module(f"bench.{part}").rows(plan):
        sys.stdout.write(f"{_line(row)}\n")
        sys.stdout.flush()
        if row.is_far:
            far.add((row.what, row.floor_is))
    return far


def _line(row: Row) -> str:
    verdict = "" if row.is_met else "  FAR OFF" if row.is_far else "  missed"
    ours, floor = _figure(row.ours, row.unit), _figure(row.floor, row.unit)
    return (
        f"{row.what[:43]:44}{ours:>10}{floor:>10}{row.ratio:7.2f}{row.goal:6.2f}{verdict:9}"
        f"  {row.floor_is}"
    )


def _figure(value: float, unit: str) -> str:
    """Seconds in milliseconds, bytes in MB."""
    if unit == "s" and value >= 1:
        return f"{value:.2f} s"
    if unit == "s":
        return f"{value * 1_000:.2f} ms"
    return f"{value / 1e6:.1f} MB" if unit == "B" else f"{value:.0f} {unit}"


if __name__ == "__main__":
    sys.exit(main())
