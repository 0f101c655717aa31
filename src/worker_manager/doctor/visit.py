"""`worker-manager doctor`: looks, repairs when told to, and looks again."""

from __future__ import annotations

import json
import os
import sys

from worker_manager.doctor import telling
from worker_manager.doctor.examination import examine, is_sound, repair
from worker_manager.doctor.findings import Place
from worker_manager.state.layout import state_root


def main(*, fix: bool = False, as_json: bool = False) -> int:
    """0 when nothing has failed, else 1."""
    place = Place(state_root(), os.getcwd(), dict(os.environ))
    findings = examine(place)
    done = repair(findings) if fix else []
    if done:
        findings = examine(place)
    if as_json:
        sys.stdout.write(json.dumps(telling.as_data(findings, done), indent=1) + "\n")
    else:
        sys.stdout.write("".join(f"done: {one}\n" for one in done))
        sys.stdout.write(telling.as_text(findings) + "\n")
    return 0 if is_sound(findings) else 1
