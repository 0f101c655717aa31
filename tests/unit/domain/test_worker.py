"""The legal moves of a worker, and its record."""

from datetime import datetime

import pytest

from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Report, Status, Worker
from worker_manager.domain.worker_json import from_json, to_json
from worker_manager.errors import StateCorrupt, WorkerFinished

WORKER = Worker(
    id="1a2b3c4d",
    name="fix-1a2b3c4d",
    title="Fix",
    owner="o",
    created_at="t",
    project="/p",
    path="/p/w",
    agent="scripted",
    session_id="s",
    handle="fix-1a2b3c4d",
    mark="mark",
)
REPORT = Report(message_id="m1", type="completion", text="done", at="t1")


def test_a_record_comes_back_with_the_keys_of_a_newer_version() -> None:
    record = to_json(WORKER.complete(REPORT)) | {"from_the_future": [1]}

    worker = from_json(record)

    assert worker.report == REPORT
    assert to_json(worker)["from_the_future"] == [1]


@pytest.mark.parametrize("broken", [{}, {"status": "flying"}, {"status": "running"}])
def test_what_is_no_record_is_corrupt(broken: dict[str, object]) -> None:
    with pytest.raises(StateCorrupt):
        from_json(broken)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Status.STARTING, Status.STARTING),
        (Status.ASKING, Status.RUNNING),
        (Status.COMPLETED, Status.RUNNING),
        (Status.RUNNING, Status.RUNNING),
    ],
)
def test_a_message_sets_a_waiting_worker_going(before: Status, after: Status) -> None:
    assert WORKER._replace(status=before).resume(at="t").status is after


@pytest.mark.parametrize("status", [Status.FAILED, Status.STOPPED])
def test_who_has_ended_takes_no_message_and_makes_no_report(status: Status) -> None:
    ended = WORKER._replace(status=status, exit_code=1)
    for move in (lambda: ended.resume(at="t"), lambda: ended.complete(REPORT)):
        with pytest.raises(WorkerFinished):
            move()


def test_an_end_is_a_failure_unless_it_was_asked_for_or_the_work_was_done() -> None:
    end = {"at": "t", "reason": "r"}

    assert WORKER.end(**end).status is Status.FAILED
    assert WORKER.request_stop().end(**end).status is Status.STOPPED
    assert WORKER.complete(REPORT).end(**end, exit_code=1).status is Status.COMPLETED


def test_a_turn_ends_only_a_block_that_is_older() -> None:
    at = "2026-01-01T00:00:10.000+00:00"
    blocked = WORKER.block(REPORT._replace(at=at), reason="rate_limit")
    moment = datetime.fromisoformat(at).timestamp()

    assert blocked.check_in(at="t", began=moment - 1) == blocked
    assert blocked.check_in(at="t", began=moment + 1).status is Status.RUNNING


def test_who_was_only_taken_for_dead_and_reports_is_alive() -> None:
    presumed = WORKER.end(at="t", reason="gone")

    assert presumed.status is Status.FAILED
    assert presumed.check_in(at="t").status is Status.RUNNING
    assert presumed.ask(REPORT).status is Status.ASKING
    assert presumed.complete(REPORT).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("since", "expected"),
    [(60.0, Status.RUNNING), (-60.0, Status.BLOCKED)],
    ids=["later", "before"],
)
def test_who_works_again_after_it_was_blocked_is_seen_to_run(
    since: float, expected: Status
) -> None:
    blocked_at = datetime.fromisoformat("2026-01-01T00:00:00.000+00:00")
    blocked = WORKER._replace(
        status=Status.BLOCKED, changed_at=blocked_at.isoformat(timespec="milliseconds")
    )
    at = blocked_at.timestamp()
    works = Activity("busy", "", at + since)

    assert blocked.effective_status(works, at=at + 120)[0] is expected
