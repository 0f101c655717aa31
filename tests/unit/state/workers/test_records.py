"""The records of a repository: looked at again and again, and changed by others meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from worker_manager.domain.worker import Status, Worker
from worker_manager.state.workers.records import Records

RECORD = Worker(
    id="0123abcd",
    name="t-0123abcd",
    title="t",
    owner="boss",
    created_at="2026",
    project="/",
    path="/",
    agent="scripted",
    session_id="s",
    handle="h",
    mark="m",
    status=Status.RUNNING,
)


@pytest.mark.promise("record-kept")
@pytest.mark.parametrize("changes", [2, 3, 100])
def test_a_look_is_never_old_where_times_are_whole_seconds(tmp_path: Path, changes: int) -> None:
    seen, other = (Records(str(tmp_path / "repository")) for _ in range(2))
    seen.create(RECORD)
    path = Path(seen.home(RECORD.id), "worker.json")
    for number in range(120 // changes):
        for change in range(changes):
            reason = f"{number} {change}"[: 3 + change % 5]  # of several lengths
            other.update(RECORD.id, lambda one, it=reason: one._replace(reason=it))
            os.utime(path, (1_000_000_000, 1_000_000_000))
        assert [one.reason for one in seen.all()] == [other.load(RECORD.id).reason], number


def test_a_record_of_a_newer_version_keeps_what_this_one_does_not_know(tmp_path: Path) -> None:
    records = Records(str(tmp_path / "repository"))
    records.create(RECORD._replace(schema=9, extra={"from_the_future": {"a": 1}}))

    records.update(RECORD.id, lambda one: one._replace(reason="r").adopt("another", at="t"))

    (found,) = records.all()
    assert (found.schema, found.extra, found.owner) == (9, {"from_the_future": {"a": 1}}, "another")
