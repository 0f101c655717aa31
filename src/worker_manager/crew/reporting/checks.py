"""Checks: the orchestrator's commands, which must succeed in a worker's directory before it may
complete.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

from worker_manager.errors import ChecksFailed
from worker_manager.processes import shell
from worker_manager.text import rendering

#: Of a failed check's output: its end, in characters.
OUTPUT_LIMIT = 4_000
#: Of all of them together.
ALL_LIMIT = 12_000


class Result(NamedTuple):
    """How a check went."""

    check: str
    outcome: shell.Outcome

    @property
    def is_passed(self) -> bool:
        """Whether all is well."""
        return self.outcome.code == 0

    def __str__(self) -> str:
        return f"{rendering.one_line(self.check)[:200]} ({self.outcome.seconds:.1f} s)"


def run(
    checks: Sequence[str], *, cwd: str, seconds: float, cancelled: threading.Event
) -> list[Result]:
    """Runs them one after the other, as far as nobody cancels it; each has so many seconds."""
    results = []
    for check in checks:
        if cancelled.is_set():
            break
        outcome = shell.run(check, cwd=cwd, seconds=seconds, cancelled=cancelled)
        results.append(Result(check, outcome))
    return results


def require(results: Sequence[Result], seconds: float) -> None:
    """Raises ChecksFailed, with the output, unless all of them passed."""
    failed = [result for result in results if not result.is_passed]
    if not failed:
        return
    room = min(OUTPUT_LIMIT, ALL_LIMIT // len(failed))
    told = "\n\n".join(_failure(result, seconds, room) for result in failed)
    raise ChecksFailed(
        f"{len(failed)} of {len(results)} checks failed, so nothing was reported. Correct that, "
        "commit, and call `complete` again. If a check itself is wrong, say so with `ask`.\n\n"
        f"{told}"
    )


def _failure(result: Result, seconds: float, room: int) -> str:
    code = result.outcome.code
    how = f"ended with exit code {code}" if code is not None else f"took longer than {seconds:g} s"
    output = rendering.clean(result.outcome.output).strip()
    shown = output if len(output) <= room else f"[...]\n{output[-room:]}"
    return f"$ {rendering.clean(result.check)}\n{how}. Its output:\n{shown or '(nothing)'}"
