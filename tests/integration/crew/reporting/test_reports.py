"""Reports, recovery and the ends of a worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.scripted.workers import HANG, take_mail
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Report, Status, Worker
from worker_manager.errors import WorkerFinished
from worker_manager.state.workers.records import Records


@pytest.fixture
def worker(fleet: Fleet) -> Worker:
    return fleet.start(StartRequest("t", HANG)).worker


def mail(fleet: Fleet) -> list[tuple[str, str]]:
    """Type and text of each waiting message, taken out."""
    return [(message.type, message.body) for message in take_mail(fleet)]


@pytest.mark.promise("report-once")
def test_the_same_summary_again_is_the_same_report(fleet: Fleet, worker: Worker) -> None:
    first = reports.complete(fleet.records, worker.id, "done")
    second = reports.complete(fleet.records, worker.id, "done")

    assert first.report == second.report
    assert [kind for kind, _ in mail(fleet)] == ["completion"]


@pytest.mark.promise("report-repair")
def test_a_report_whose_sender_died_before_delivering_arrives_once(
    fleet: Fleet, worker: Worker
) -> None:
    report = Report(message_id="m0123456789ab", type="completion", text="done", at="t")
    fleet.records.update(worker.id, lambda one: one.complete(report))

    assert fleet.workers()[0].status is Status.COMPLETED
    assert len(mail(fleet)) == 1
    fleet.reconcile()
    assert mail(fleet) == []


@pytest.mark.promise("report-repair")
def test_the_next_report_first_delivers_the_one_that_was_cut_off(
    fleet: Fleet, worker: Worker
) -> None:
    first = Report(message_id="m0123456789ab", type="question", text="Which?", at="t")
    fleet.records.update(worker.id, lambda one: one.ask(first))

    reports.complete(fleet.records, worker.id, "done")

    assert [kind for kind, _ in mail(fleet)] == ["question", "completion"]


def test_a_report_that_was_delivered_but_not_noted_is_not_sent_twice(
    fleet: Fleet, worker: Worker
) -> None:
    reports.complete(fleet.records, worker.id, "done")
    assert len(mail(fleet)) == 1
    fleet.records.update(worker.id, lambda one: undelivered(one))

    fleet.reconcile()

    assert mail(fleet) == []


def undelivered(worker: Worker) -> Worker:
    assert worker.report is not None
    return worker._replace(report=worker.report._replace(delivered=False))


def test_a_completion_tells_what_lies_on_the_branch(fleet: Fleet, worker: Worker) -> None:
    Path(worker.path, "left-over").write_text("x", "utf-8")
    reports.complete(fleet.records, worker.id, "done")

    ((_, body),) = mail(fleet)

    assert f"Branch {worker.branch}: 0 commits" in body
    assert "1 uncommitted file." in body


@pytest.mark.promise("report-end")
def test_a_crash_is_one_failure_with_exit_code_and_last_lines(fleet: Fleet) -> None:
    steps = '```steps\n[{"run": "echo LAST-WORDS"}, {"crash": 3}]\n```'
    worker = fleet.start(StartRequest("t", steps)).worker
    while not fleet.worker(worker.id).finished:
        fleet.reconcile()
    fleet.reconcile()

    ended = fleet.worker(worker.id)
    assert (ended.status, ended.exit_code) == (Status.FAILED, 3)
    ((kind, body),) = mail(fleet)
    assert kind == "failed"
    assert "exit code 3" in body
    assert Path(worker.path).exists()
    assert os.path.exists(os.path.join(fleet.records.home(worker.id), "pane.log"))


def test_who_completed_and_then_ends_has_not_failed(fleet: Fleet, worker: Worker) -> None:
    reports.complete(fleet.records, worker.id, "done")
    reports.ended(fleet.records, worker.id, exit_code=1, screen="bye")

    assert fleet.worker(worker.id).status is Status.COMPLETED
    assert [kind for kind, _ in mail(fleet)] == ["completion"]


def test_a_stopped_worker_reports_no_more_and_keeps_its_files(fleet: Fleet, worker: Worker) -> None:
    Path(worker.path, "uncommitted").write_text("work", "utf-8")

    fleet.stop(worker.id)

    assert Path(worker.path, "uncommitted").read_text("utf-8") == "work"
    with pytest.raises(WorkerFinished):
        reports.complete(fleet.records, worker.id, "done")
    assert mail(fleet) == []


def test_an_end_of_the_session_stops_only_its_own_unfinished_workers(
    repository: Path, fleet: Fleet, worker: Worker, tmux_socket: str
) -> None:
    other = make_fleet(repository, tmux_socket, "session-2")
    kept = other.start(StartRequest("t", HANG)).worker

    assert fleet.stop_unfinished() == [worker.id]

    assert other.workers()[0].id == kept.id
    assert not other.workers()[0].finished


@pytest.mark.promise("reconcile-damaged")
def test_a_corrupt_record_is_set_aside_and_the_rest_goes_on(fleet: Fleet, worker: Worker) -> None:
    other = fleet.start(StartRequest("t", HANG)).worker
    home = Path(fleet.records.home(worker.id))
    (home / "worker.json").write_text('{"id": ', "utf-8")

    assert [one.id for one in fleet.workers()] == [other.id]
    assert len(list(home.glob("worker.json.corrupt-*"))) == 1


@pytest.mark.promise("record-kept")
def test_updates_from_many_processes_are_all_kept(fleet: Fleet, worker: Worker) -> None:
    counters = [start_counter(fleet.records, worker.id) for _ in range(8)]
    assert [counter.wait() for counter in counters] == [0] * 8

    assert fleet.worker(worker.id).extra["count"] == 80


def start_counter(records: Records, worker_id: str) -> subprocess.Popen[bytes]:
    script = (
        "import sys; "
        "from worker_manager.state.workers.records import Records; "
        "records = Records(sys.argv[1]); "
        "[records.update(sys.argv[2], lambda w: w._replace(extra="
        "w.extra | {'count': w.extra.get('count', 0) + 1})) for _ in range(10)]"
    )
    return subprocess.Popen([sys.executable, "-c", script, records.repository, worker_id])
