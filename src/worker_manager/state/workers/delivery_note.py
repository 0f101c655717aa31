"""That a worker's last report lies in its owner's mailbox, noted beside its record: the record's
next change takes it in. Nobody waits for the disk: after a power cut without the note, the report
is looked for in the mailbox, where it lies durably.
"""

from __future__ import annotations

from worker_manager.domain.worker import Worker
from worker_manager.state.workers import launches

FILE = "delivered"


def note(home: str, message_id: str) -> None:
    """Notes that the report with this message id was delivered. Raises StateUnavailable."""
    launches.write_file(home, FILE, message_id)


def with_note(worker: Worker, home: str) -> Worker:
    """Returns the worker, its report marked as delivered if that was noted since its record was
    written.
    """
    report = worker.report
    if report is None or report.delivered:
        return worker
    is_noted = launches.read_text(home, FILE) == report.message_id
    return worker.reported() if is_noted else worker
