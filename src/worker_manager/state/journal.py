"""What happened to a worker, when: append-only lines of JSON."""

import json
import os
import time


def note(home: str, event: str, **facts: object) -> None:
    """Appends one event; one write, so that several processes may do it at once.

    The journal is for history; a disk that refuses it must not stop the work itself.
    """
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = json.dumps({"at": stamp, "event": event, **facts}) + "\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    try:
        descriptor = os.open(os.path.join(home, "journal.jsonl"), flags, 0o600)
    except OSError:
        return
    try:
        os.write(descriptor, line.encode())
    except OSError:
        return
    finally:
        os.close(descriptor)
