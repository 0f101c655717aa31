"""The history of a worker: append-only lines of JSON."""

import os
import time
from _collections_abc import Iterator

from worker_manager.errors import ignoring
from worker_manager.state.files import append
from worker_manager.text.rendering import one_line

TEXT_LIMIT = 300


def note(home: str, event: str, **facts: object) -> None:
    """Appends one event.

    The journal is for history; a disk that refuses it must not stop the work itself.
    """
    import json  # as long as all else of a hook, which seldom notes anything

    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = json.dumps({"at": stamp, "event": event, **facts}) + "\n"
    with ignoring(OSError):
        append(path_of(home), line)


def path_of(home: str) -> str:
    """Returns the path of a home's journal."""
    return os.path.join(home, "journal.jsonl")


def events(path: str, offset: int) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yields time, text lines, and the offset behind it, for each complete line from `offset` on.
    Raises OSError.
    """
    import json

    with open(path, "rb") as file:
        file.seek(offset)
        while (line := file.readline()).endswith(b"\n"):
            try:
                facts = json.loads(line)
                at, event = str(facts.pop("at")), str(facts.pop("event"))
            except (ValueError, AttributeError, KeyError):
                yield "", (), file.tell()
                continue
            told = " ".join(f"{name}={value}" for name, value in facts.items() if value != "")
            yield at, (one_line(f"[{event}] {told}")[:TEXT_LIMIT],), file.tell()
