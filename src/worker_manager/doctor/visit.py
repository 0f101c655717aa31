"""`worker-manager doctor`: looks, repairs when told to, and looks again."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence

from worker_manager.doctor import telling, waking
from worker_manager.doctor.examination import (
    CHECKS,
    DEEP_CHECKS,
    SECONDS,
    examine,
    is_sound,
    repair,
)
from worker_manager.doctor.findings import Finding, Place
from worker_manager.state.layout import state_root


def main(*, fix: bool = False, deep: bool = False, as_json: bool = False) -> int:
    """0 when nothing has failed, else 1. `deep` costs a short turn of the model."""
    place = Place(state_root(), os.getcwd(), dict(os.environ))
    done = repair(examine(place)) if fix else []
    checks, seconds = (DEEP_CHECKS, SECONDS + waking.SECONDS) if deep else (CHECKS, SECONDS)
    running = examine(place, checks, seconds=seconds)
    findings = list(running) if as_json else _told(running, done)
    if as_json:
        sys.stdout.write(json.dumps(telling.as_data(findings, done), indent=1) + "\n")
    return 0 if is_sound(findings) else 1


def _told(findings: Iterable[Finding], done: Sequence[str]) -> list[Finding]:
    """Writes each as it comes."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    sys.stdout.write("".join(f"done: {one}\n" for one in done))
    told = []
    for finding in findings:
        sys.stdout.write(telling.as_lines(finding, columns) + "\n")
        sys.stdout.flush()
        told.append(finding)
    sys.stdout.write(f"\n{telling.sum_of(told)}\n")
    return told
