"""When a look at workers is due."""

from datetime import UTC, datetime

import pytest

from tests.unit.domain.test_worker import WORKER
from worker_manager.config import Settings
from worker_manager.crew.supervision.next_check import (
    BUSY_SECONDS,
    LIMIT_SECONDS,
    PRIVATE_SECONDS,
    delay,
)
from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Status, Worker

AT = 1_800_000_000.0
IDLE = Settings().idle_seconds
OPEN = Settings().close_after_seconds


def worker(status: Status, **changes: object) -> Worker:
    stamp = datetime.fromtimestamp(AT, UTC).isoformat(timespec="milliseconds")
    return WORKER._replace(status=status, changed_at=stamp, **changes)  # type: ignore[arg-type]


def seconds(one: Worker, activity: Activity | None = None, *, told: bool = False) -> float | None:
    doing = {one.id: activity} if activity else {}
    return delay(
        [one], doing, Settings(), notified=[one.id] if told else [], unread=None, at=AT
    ).seconds


@pytest.mark.parametrize("status", [Status.STARTING, Status.RUNNING, Status.QUEUED])
def test_who_is_at_work_is_looked_at_soon(status: Status) -> None:
    assert seconds(worker(status)) == BUSY_SECONDS
    assert seconds(worker(status), Activity("busy", "", AT - 900, "")) == BUSY_SECONDS


@pytest.mark.parametrize("status", [Status.ASKING, Status.FAILED, Status.STOPPED, Status.BLOCKED])
def test_nothing_is_due_for_who_waits_or_has_ended(status: Status) -> None:
    assert seconds(worker(status)) is None


def test_who_is_idle_is_looked_at_when_it_is_to_be_told_and_then_no_more() -> None:
    idle, late = (Activity("idle", "", AT - ago, "") for ago in (10, 2 * IDLE))
    long_ago = datetime.fromtimestamp(AT - 900, UTC).isoformat(timespec="milliseconds")
    running = worker(Status.RUNNING)._replace(changed_at=long_ago)

    assert seconds(running, idle) == pytest.approx(IDLE - 10, abs=1)
    assert seconds(running, idle, told=True) is None
    assert seconds(running, late) == BUSY_SECONDS  # telling has failed
    just_nudged = worker(Status.RUNNING)
    assert seconds(just_nudged, late) == pytest.approx(IDLE, abs=1)


def test_a_session_is_closed_and_a_stop_carried_out_in_time() -> None:
    assert seconds(worker(Status.COMPLETED)) == pytest.approx(OPEN, abs=1)
    assert seconds(worker(Status.COMPLETED, closed=True)) is None
    soon = datetime.fromtimestamp(AT + 3, UTC).isoformat(timespec="milliseconds")
    assert seconds(worker(Status.ASKING, stop_due=soon)) == pytest.approx(3, abs=0.1)


def test_what_could_not_be_done_in_time_is_tried_again_later() -> None:
    past = datetime.fromtimestamp(AT - 3, UTC).isoformat(timespec="milliseconds")

    assert seconds(worker(Status.RUNNING, stop_due=past)) == BUSY_SECONDS


@pytest.mark.parametrize("status", [Status.BLOCKED, Status.COMPLETED])
def test_with_whom_a_person_works_at_its_terminal_is_looked_at_now_and_then(
    status: Status,
) -> None:
    assert seconds(worker(status), Activity("busy", "", AT, "")) == PRIVATE_SECONDS


def test_a_usage_limit_may_be_over_early() -> None:
    assert seconds(worker(Status.BLOCKED, reason="rate_limit")) == LIMIT_SECONDS


def test_the_processes_of_unfinished_workers_are_watched() -> None:
    workers = [worker(Status.ASKING, process="1-2"), worker(Status.COMPLETED, process="3-4")]

    assert delay(workers, {}, Settings(), notified=[], unread=None, at=AT).running == ("1-2",)


def test_unread_mail_is_looked_after_in_time() -> None:
    def until(moment: float | None) -> float | None:
        return delay([], {}, Settings(), notified=[], unread=moment, at=AT).seconds

    assert until(None) is None
    assert until(AT + 5) == pytest.approx(5, abs=0.2)
    assert until(AT - 5) == BUSY_SECONDS  # ringing has failed
