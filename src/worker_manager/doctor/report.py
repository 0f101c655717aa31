"""Findings as text for a person, and as data for a program."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from worker_manager.doctor.findings import Finding, Verdict
from worker_manager.text.rendering import one_line

#: The longest verdict, the longest name of a check.
_VERDICT, _ABOUT = 8, 16
#: Repairs have most of the line: a command is to fit.
_BELOW = " " * (_VERDICT + 1) + "-> "


def as_lines(finding: Finding, columns: int = 0) -> str:
    """Returns a finding as text, its repair below; wrapped at `columns` (0: not wrapped)."""
    start = f"{finding.verdict.value:<{_VERDICT}} {finding.about:<{_ABOUT}} "
    lines = _wrapped(start, one_line(finding.says), columns)
    if finding.repair:
        by_itself = " (--fix does it)" if finding.fix else ""
        # Behind `&&` a shell reads on in the next line.
        first, *rest = (one_line(finding.repair) + by_itself).replace(" && ", " &&\n").split("\n")
        lines += _wrapped(_BELOW, first, columns)
        lines += [
            line for sentence in rest for line in _wrapped(" " * len(_BELOW), sentence, columns)
        ]
    return "\n".join(lines)


def sum_of(findings: Sequence[Finding]) -> str:
    """Returns how many findings have which verdict, as a line."""
    counts = [
        f"{count} {verdict.value}"
        for verdict in Verdict
        if (count := sum(finding.verdict is verdict for finding in findings))
    ]
    return ", ".join(counts) + "."


def _wrapped(start: str, text: str, columns: int) -> list[str]:
    """Words are never cut: a command must stay one that can be copied."""
    room = columns - len(start)
    if room < 20:
        return [start + text]
    parts = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    return [start + parts[0], *(" " * len(start) + part for part in parts[1:])]
