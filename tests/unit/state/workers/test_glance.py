"""A glance at a record says what the record says, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from worker_manager.domain.worker import Former, Report, Status, Worker
from worker_manager.domain.worker_json import to_json
from worker_manager.state.workers import delivery_note
from worker_manager.state.workers.glance import Glance
from worker_manager.state.workers.records import Records

REPORT = Report(message_id="m1", type="completion", text="done", at="t")
DELIVERED = Report(message_id="m1", type="completion", text="done", at="t", delivered=True)
#: What a worker may write: none of it is a line of the record.
TRAP = '"\n "status": "failed",\n "formers": [],\n  "delivered": true\n "report": null'
TRAPPED = Report(message_id="m1", type="completion", text=TRAP, at="t")
ID = "0123abcd"
FIELDS: dict[str, Any] = {
    "id": ID,
    "name": "n",
    "title": "t",
    "owner": "boss",
    "created_at": "2026",
    "mark": "m",
    "project": "/",
    "path": "/",
    "agent": "scripted",
    "session_id": "s",
    "handle": "h",
}


def glance_at(tmp_path: Path, worker: Worker) -> Glance:
    records = Records(str(tmp_path / "repository"))
    records.create(worker)()
    return Glance(records.home(worker.id))


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("report", [None, REPORT, DELIVERED, TRAPPED])
@pytest.mark.parametrize("formers", [(), (Former("other", "t"),)])
def test_it_says_what_the_record_says(
    tmp_path: Path, status: Status, report: Report | None, formers: tuple[Former, ...]
) -> None:
    extra = {"report_2": {"delivered": True}, "a": {"status": "x", "formers": []}}
    told = {"report": report, "formers": formers, "title": TRAP, "reason": TRAP, "extra": extra}
    worker = Worker(**{**FIELDS, **told, "status": status})

    glance = glance_at(tmp_path, worker)

    assert [glance.field(name) for name in ("status", "owner", "mark", "id")] == [
        *(status.value, "boss", "m", ID)
    ]
    assert glance.has_no_mail_due == ((report is None or report.delivered) and not formers)


@pytest.mark.parametrize("noted", [["m1"], ["m0", "m1"]])
def test_a_delivery_that_was_noted_beside_the_record_counts(
    tmp_path: Path, noted: list[str]
) -> None:
    glance = glance_at(tmp_path, Worker(**FIELDS, report=REPORT))
    home = Records(str(tmp_path / "repository")).home(ID)
    assert not glance.has_no_mail_due

    for message_id in noted:
        delivery_note.note(home, message_id)
    assert glance.has_no_mail_due

    delivery_note.note(home, "m2")
    assert not glance.has_no_mail_due


def test_of_a_record_in_another_form_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "worker.json").write_text(json.dumps(to_json(Worker(**FIELDS))), "utf-8")

    for glance in (Glance(str(tmp_path)), Glance(str(tmp_path / "nowhere"))):
        assert (glance.field("status"), glance.has_no_mail_due) == ("", False)


def test_a_text_with_escapes_is_left_to_whoever_loads_the_record(tmp_path: Path) -> None:
    assert glance_at(tmp_path, Worker(**{**FIELDS, "title": 'a "b"'})).field("title") == ""
