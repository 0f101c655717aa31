"""That a worker's last report lies in its owner's mailbox, noted beside its record: the record's
next change takes it in. Nobody waits for the disk: after a power cut without the note, the report
is looked for in the mailbox, where it lies durably. Standard library only: hooks load it.
"""

import os

from worker_manager.errors import StateCorrupt, ignoring
from worker_manager.state.files import append, read_regular

TYPE_CHECKING = False  # as mypy takes it; `typing` takes a hook 3 ms
if TYPE_CHECKING:
    from worker_manager.domain.worker import Worker

FILE = "delivered"


def note(home: str, message_id: str) -> None:
    """Notes that the report with this message id was delivered. Raises OSError."""
    # Added, not replaced: ext4 writes a file at once that takes the place of another one.
    append(os.path.join(home, FILE), f"\n{message_id}")


def last(home: str) -> str:
    """Returns the message id that was noted last; empty when none was."""
    with ignoring(OSError, StateCorrupt):
        noted = read_regular(os.path.join(home, FILE)).decode("ascii", "replace")
        return noted.rpartition("\n")[2]
    return ""


def with_note(worker: "Worker", home: str) -> "Worker":
    """Returns the worker, its report marked as delivered if that was noted since its record was
    written.
    """
    report = worker.report
    if report is None or report.delivered:
        return worker
    return worker.reported() if last(home) == report.message_id else worker
