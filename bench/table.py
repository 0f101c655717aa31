"""The table: a line for each row, for a terminal or as Markdown."""

from __future__ import annotations

import os

from bench.measuring import Row

HEAD = f"{'':44}{'ours':>10}{'other':>10}{'ratio':>7}{'goal':>6}{'':9}  {'load':>5}  other"
MARKDOWN_HEAD = "| | ours | other | ratio | goal | load |\n|---|---|---|---|---|---|"


def line(row: Row) -> str:
    """With the load of the machine when it was measured."""
    verdict = f"  {_verdict(row)}"
    ours, floor = _figure(row.ours, row.unit), _figure(row.floor, row.unit)
    return (
        f"{row.what[:43]:44}{ours:>10}{floor:>10}{row.ratio:7.2f}{row.goal:6.2f}{verdict:9}"
        f"  {_load():5.1f}  {row.floor_is}"
    )


def markdown_line(row: Row) -> str:
    """The same as docs/explanation/performance.md has it."""
    ours, floor = _figure(row.ours, row.unit), _figure(row.floor, row.unit)
    goal = ", ".join(part for part in (f"{row.goal:.2f}", _verdict(row)) if part)
    cells = (row.what, ours, f"{row.floor_is}, {floor}", f"{row.ratio:.2f}", goal, f"{_load():.1f}")
    return f"| {' | '.join(cells)} |"


def _verdict(row: Row) -> str:
    return "" if row.is_met else "FAR OFF" if row.is_far else "missed"


def _load() -> float:
    """Processes that wanted to run during the last minute."""
    return os.getloadavg()[0]


def _figure(value: float, unit: str) -> str:
    """Seconds in milliseconds when they are few, bytes in MB."""
    if unit == "s":
        return f"{value:.2f} s" if value >= 1 else f"{value * 1_000:.2f} ms"
    return f"{value / 1e6:.1f} MB" if unit == "B" else f"{value:.0f} {unit}"
