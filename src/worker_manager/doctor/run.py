"""`worker-manager doctor`: examines, repairs when asked to, and examines again."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

from worker_manager.doctor import report, wake_test
from worker_manager.doctor.examination import (
    CHECKS,
    DEEP_CHECKS,
    SECONDS,
    examine,
    is_sound,
    repair,
)
from worker_manager.doctor.findings import Diagnosis, Finding, Place, Visit
from worker_manager.state.layout import state_root

Waiting = Callable[[], AbstractContextManager[None]]


def visit(directory: str, *, fix: bool = False, deep: bool = False) -> Visit:
    """Examines the checkout whose top is `directory` and returns all findings; `fix` repairs first,
    `deep` costs a short turn of the model.
    """
    done, running = _examined(directory, fix=fix, deep=deep)
    findings = list(running)
    return Visit(is_sound(findings), [_diagnosis(finding) for finding in findings], done)


def told(
    directory: str, *, fix: bool = False, deep: bool = False, waiting: Waiting = nullcontext
) -> int:
    """Examines as `visit` does, but writes each finding to stdout as soon as it is known; `waiting`
    is a context held in between. Returns the exit code: 1 when something failed, else 0.
    """
    with waiting():
        done, running = _examined(directory, fix=fix, deep=deep)
    return 0 if is_sound(_told(running, done, waiting)) else 1


def _examined(directory: str, *, fix: bool, deep: bool) -> tuple[list[str], Iterable[Finding]]:
    place = Place(state_root(), directory, dict(os.environ))
    done = repair(examine(place)) if fix else []
    checks, seconds = (DEEP_CHECKS, SECONDS + wake_test.SECONDS) if deep else (CHECKS, SECONDS)
    return list(done), examine(place, checks, seconds=seconds)


def _diagnosis(finding: Finding) -> Diagnosis:
    fixable = finding.fix is not None
    return Diagnosis(finding.about, finding.verdict.value, finding.says, finding.repair, fixable)


def _told(findings: Iterable[Finding], done: Sequence[str], waiting: Waiting) -> list[Finding]:
    """Writes each finding as it comes. Returns all of them."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    sys.stdout.write("".join(f"done: {repair}\n" for repair in done))
    told = []
    coming = iter(findings)
    while True:
        with waiting():
            finding = next(coming, None)
        if finding is None:
            break
        sys.stdout.write(report.as_lines(finding, columns) + "\n")
        sys.stdout.flush()
        told.append(finding)
    sys.stdout.write(f"\n{report.sum_of(told)}\n")
    return told
