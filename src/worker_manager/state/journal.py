"""What happened to a worker, when: append-only lines of JSON."""

import json
import os
import time
from contextlib import suppress

from worker_manager.state.files import append


def note(home: str, event: str, **facts: object) -> None:
    """Appends one event.

    The journal is for history; a disk that refuses it must not stop the work itself.
    """
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = json.dumps({"at": stamp, "event": event, **facts}) + "\n"
    with suppress(OSError):
        append(os.path.join(home, "journal.jsonl"), line)
