"""What a worker's agent is started with, and what is noted of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.waiting import wait_until
from tests.support.workers import HANG
from worker_manager.fleet import Fleet
from worker_manager.starts import Wanted
from worker_manager.state import processes
from worker_manager.state.records import Records, now


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of claude; the file into which it writes its environment."""
    seen = tmp_path / "seen"
    program = tmp_path / "programs" / "claude"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nenv >{seen}.part && mv {seen}.part {seen}\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return seen


@pytest.mark.parametrize(("given", "expected"), [("", "180000"), ("5000", "5000")])
def test_a_claude_worker_waits_longer_for_its_server_unless_told_otherwise(
    repository: Path,
    tmux_socket: str,
    claude: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    expected: str,
) -> None:
    if given:
        monkeypatch.setenv("MCP_TIMEOUT", given)
    fleet = make_fleet(repository, tmux_socket, agent="claude", permission_mode="acceptEdits")

    fleet.start(Wanted("t", "x"))

    wait_until(claude.exists)
    assert f"MCP_TIMEOUT={expected}\n" in claude.read_text("utf-8")


def test_the_record_has_the_noted_process_after_its_next_change(fleet: Fleet) -> None:
    worker = fleet.start(Wanted("t", HANG)).worker
    record = Path(fleet.records.home(worker.id), "worker.json")

    assert worker.launched
    assert processes.surely_runs(worker.process)
    assert not json.loads(record.read_text("utf-8"))["launched"]  # no disk was waited for

    fleet.records.update(worker.id, lambda one: replace(one, reason="another one"))

    assert json.loads(record.read_text("utf-8"))["process"] == worker.process


def test_one_who_lists_hears_of_a_process_that_was_noted_since_then(fleet: Fleet) -> None:
    worker = fleet.start(Wanted("t", HANG)).worker
    note = Path(fleet.records.home(worker.id), "process")
    process = note.read_text("utf-8")
    note.unlink()
    records = Records(fleet.records.repository)
    assert [one.launched for one in records.all()] == [False]

    note.write_text(process, "utf-8")

    assert [one.process for one in records.all()] == [process]


def test_a_worker_that_is_to_be_launched_anew_is_not_taken_for_launched(fleet: Fleet) -> None:
    worker = fleet.start(Wanted("t", HANG)).worker

    _, anew = fleet.records.update(
        worker.id, lambda one: one.restore(one.starter, at=now(), waits_for="")
    )

    assert not fleet.records.get(worker.id).launched
    assert anew.process == worker.process  # until there is another one
