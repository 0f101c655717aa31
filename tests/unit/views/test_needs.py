"""When nobody waits for a worker any more: its record says so, and its letter is there."""

import pytest

from tests.unit.domain.test_worker import WORKER
from worker_manager.domain.worker import Report, Status
from worker_manager.views.needs import is_settled

REPORT = Report("m1", "question", "Which one?", "2026-01-01T00:00:00+00:00")
DELIVERED = REPORT._replace(delivered=True)


@pytest.mark.parametrize(
    ("status", "report", "needed", "there", "settled"),
    [
        (Status.COMPLETED, None, None, "", True),
        (Status.COMPLETED, REPORT, None, "", False),
        (Status.COMPLETED, REPORT, None, "m1", True),
        (Status.COMPLETED, DELIVERED, None, "", True),
        (Status.FAILED, REPORT, "m2", "m2", False),  # what it needed before it ended is no matter
        (Status.RUNNING, None, None, "", False),
        (Status.RUNNING, DELIVERED, None, "m1", False),
        (Status.RUNNING, None, "", "", True),
        (Status.ASKING, REPORT, "m1", "", False),
        (Status.ASKING, REPORT, "m1", "m1", True),
        (Status.ASKING, DELIVERED, "m1", "", True),
        (Status.BLOCKED, DELIVERED, "m2", "m1", False),  # a dialog opened beside its question
        (Status.BLOCKED, DELIVERED, "m2", "m2", True),
    ],
)
def test_it_has_finished_or_needs_somebody_and_its_letter_is_there(
    status: Status, report: Report | None, needed: str | None, there: str, settled: bool
) -> None:
    worker = WORKER._replace(status=status, report=report)

    assert is_settled(worker, needed, lambda letter_id: letter_id == there) is settled
