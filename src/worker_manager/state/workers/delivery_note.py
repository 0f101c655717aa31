"""That a worker's last report lies in its owner's mailbox, noted beside its record: the record's
next change takes it in. Nobody waits for the disk: after a power cut without the note, the report
is looked for in the mailbox, where it lies durably.
"""

from __future__ import annotations

import os

from worker_manager.domain.worker import Worker
from worker_manager.state.files import append
from worker_manager.state.workers import launches

FILE = "delivered"


def note(home: str, message_id: str) -> None:
    """Notes that the report with this message id was delivered. Raises OSError."""
    # Added, not replaced: ext4 writes a file at once that takes the place of another one.
    append(os.path.join(home, FILE), f"\n{message_id}")


def with_note(worker: Worker, home: str) -> Worker:
    """Returns the worker, its report marked as delivered if that was noted since its record was
    written.
    """
    report = worker.report
    if report is None or report.delivered:
        return worker
    last_id = launches.read_text(home, FILE).rpartition("\n")[2]
    return worker.reported() if last_id == report.message_id else worker
