"""`worker-manager doctor`: looks, repairs when told to, and looks again."""

from __future__ import annotations

import json
import os
import sys

from worker_manager.doctor import telling, waking
from worker_manager.doctor.examination import (
    CHECKS,
    DEEP_CHECKS,
    SECONDS,
    examine,
    is_sound,
    repair,
)
from worker_manager.doctor.findings import Place
from worker_manager.state.layout import state_root


def main(*, fix: bool = False, deep: bool = False, as_json: bool = False) -> int:
    """0 when nothing has failed, else 1. `deep` costs a short turn of the model."""
    place = Place(state_root(), os.getcwd(), dict(os.environ))
    done = repair(examine(place)) if fix else []
    checks, seconds = (DEEP_CHECKS, SECONDS + waking.SECONDS) if deep else (CHECKS, SECONDS)
    findings = examine(place, checks, seconds=seconds)
    if as_json:
        sys.stdout.write(json.dumps(telling.as_data(findings, done), indent=1) + "\n")
    else:
        sys.stdout.write("".join(f"done: {one}\n" for one in done))
        sys.stdout.write(telling.as_text(findings) + "\n")
    return 0 if is_sound(findings) else 1
