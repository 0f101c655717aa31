"""Findings as text for a person, and as data for a program."""

from __future__ import annotations

from collections.abc import Sequence

from worker_manager.doctor.findings import Finding, Verdict
from worker_manager.formatting import one_line


def as_text(findings: Sequence[Finding]) -> str:
    """A line for each, with its repair below."""
    width = max((len(one.about) for one in findings), default=0)
    lines = [line for one in findings for line in _lines(one, width)]
    return "\n".join([*lines, "", _sum(findings)])


def as_data(findings: Sequence[Finding], done: Sequence[str] = ()) -> dict[str, object]:
    """What --json prints."""
    return {
        "schema": 1,
        "sound": all(one.verdict is not Verdict.FAILED for one in findings),
        "findings": [
            {
                "about": one.about,
                "verdict": one.verdict.value,
                "says": one.says,
                "repair": one.repair,
                "fixable": one.fix is not None,
            }
            for one in findings
        ],
        "done": list(done),
    }


def _lines(finding: Finding, width: int) -> list[str]:
    start = f"{finding.verdict.value:<8} {finding.about:<{width}}  "
    lines = [start + one_line(finding.says)]
    if finding.repair:
        by_itself = " (--fix does it)" if finding.fix else ""
        lines.append(" " * len(start) + f"-> {one_line(finding.repair)}{by_itself}")
    return lines


def _sum(findings: Sequence[Finding]) -> str:
    counts = [
        f"{count} {verdict.value}"
        for verdict in Verdict
        if (count := sum(one.verdict is verdict for one in findings))
    ]
    return ", ".join(counts) + "."
