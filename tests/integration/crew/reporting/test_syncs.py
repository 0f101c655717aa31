"""How often a report waits for the disk, and what a power cut leaves of the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.scripted.workers import recorded_worker, take_mail
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.layout import WAITING
from worker_manager.state.mail import awaited_answer
from worker_manager.state.workers import delivery_note, launches
from worker_manager.state.workers.records import Records


@pytest.fixture
def worker(fleet: Fleet, repository: Path) -> Worker:
    return recorded_worker(fleet, repository, status=Status.RUNNING)


@contextmanager
def counted_syncs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[os.stat_result]]:
    """What is synced, each for real, until the block is left."""
    synced = list[os.stat_result]()
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor))
        sync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", note)
        yield synced


def ask(records: Records, worker_id: str) -> None:
    """As the tool does: it waits for the answer, which does not come."""
    with awaited_answer.waiting_for_answer(records.home(worker_id)) as waiting_for:
        waiting_for(reports.ask(records, worker_id, "tea?").message_id)


def complete(records: Records, worker_id: str) -> None:
    reports.complete(records, worker_id, "done")


@pytest.mark.parametrize("report", [ask, complete])
def test_a_report_waits_for_the_disk_four_times(
    fleet: Fleet,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    report: Callable[[Records, str], None],
) -> None:
    with counted_syncs(monkeypatch) as synced:
        report(fleet.records, worker.id)

    # The record and the letter, each with the directory that has its name.
    assert len(synced) == 4
    record = os.stat(os.path.join(fleet.records.home(worker.id), "worker.json"))
    (letter,) = Path(fleet.home, "mail", "new").iterdir()
    files = [record, letter.stat()]
    assert {one.st_ino for one in files} < {one.st_ino for one in synced}


@pytest.mark.promise("report-repair")
@pytest.mark.parametrize("left", [None, "", "4", "4-", "\0\0", "\udcff"])
def test_a_power_cut_that_takes_the_notes_of_a_report_repeats_nothing(
    fleet: Fleet, worker: Worker, left: str | None
) -> None:
    reports.ask(fleet.records, worker.id, "tea?")
    for name in (delivery_note.FILE, WAITING):
        path = Path(fleet.records.home(worker.id), name)
        path.unlink(missing_ok=True)
        if left is not None:
            path.write_bytes(os.fsencode(left))

    (seen,) = Records(fleet.records.repository).all()
    assert seen.report is not None
    assert not seen.report.delivered
    letters = [message.body for message in take_mail(fleet)]  # after a look at the world

    assert letters == ["tea?"]
    assert take_mail(fleet) == []
    (noted,) = fleet.records.all()
    assert noted.report is not None
    assert noted.report.delivered
    assert awaited_answer.waiting(fleet.records.home(worker.id)) is None


@pytest.mark.promise("report-end")
@pytest.mark.parametrize("left", ["", "4", "4-", "\0\0"])
def test_a_power_cut_that_takes_the_note_of_a_process_leaves_a_worker_that_has_failed(
    fleet: Fleet, repository: Path, left: str
) -> None:
    worker = recorded_worker(fleet, repository, starter="1-1")
    Path(fleet.records.home(worker.id), launches.PROCESS).write_text(left, "utf-8")

    assert [message.type for message in take_mail(fleet)] == ["failed"]


def test_the_next_change_of_the_record_takes_in_that_its_report_was_delivered(
    fleet: Fleet, worker: Worker
) -> None:
    home = fleet.records.home(worker.id)
    reports.ask(fleet.records, worker.id, "tea?")
    assert '"delivered": true' not in Path(home, "worker.json").read_text("utf-8")

    reports.go_on(fleet.records, worker.id)

    assert '"delivered": true' in Path(home, "worker.json").read_text("utf-8")


def test_a_look_again_at_a_record_sees_that_its_report_was_delivered_since(
    fleet: Fleet, worker: Worker
) -> None:
    home = fleet.records.home(worker.id)
    reports.ask(fleet.records, worker.id, "tea?")
    note = Path(home, delivery_note.FILE).read_bytes()
    Path(home, delivery_note.FILE).unlink()
    looking = Records(fleet.records.repository)
    assert [one.report and one.report.delivered for one in looking.all()] == [False]

    Path(home, delivery_note.FILE).write_bytes(note)

    assert [one.report and one.report.delivered for one in looking.all()] == [True]
