"""What a worker's agent is started with, and what is noted of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.waiting import wait_until
from tests.support.workers import HANG
from worker_manager.errors import WorktreeRefused
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


class _Waiting:
    """A terminal's program that waits for a launch script, and the process that should write it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        code = (
            "import subprocess, sys; from worker_manager.state import launches;"
            "print(subprocess.Popen(launches.waiting_program(sys.argv[1])).pid, flush=True);"
            "sys.stdin.read()"
        )
        command = [sys.executable, "-c", code, str(home)]
        self.starter = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.starter.stdout is not None
        self.process = processes.identity(int(self.starter.stdout.readline()))

    def has_ended(self) -> bool:
        return processes.has_ended(self.process)


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[_Waiting]:
    waiting = _Waiting(tmp_path / "worker")
    yield waiting
    waiting.starter.kill()
    waiting.starter.communicate()
    wait_until(waiting.has_ended)


def test_a_terminal_waits_for_its_launch_script_and_becomes_it(waiting: _Waiting) -> None:
    time.sleep(0.3)
    assert not waiting.has_ended()
    script = waiting.home / "launch.sh"
    script.with_name("part").write_text('echo "$$" >"${0%/*}/ran"; exec sleep 600', "utf-8")

    script.with_name("part").rename(script)

    wait_until(lambda: (waiting.home / "ran").exists() and (waiting.home / "ran").read_text())
    pid = waiting.process.partition("-")[0]
    assert (waiting.home / "ran").read_text("utf-8") == f"{pid}\n"
    os.kill(int(pid), signal.SIGTERM)


def test_a_terminal_does_not_wait_when_the_start_was_taken_back(waiting: _Waiting) -> None:
    waiting.home.rmdir()

    wait_until(waiting.has_ended)


def test_a_terminal_does_not_wait_for_a_starter_that_has_died(waiting: _Waiting) -> None:
    waiting.starter.kill()
    waiting.starter.wait()

    wait_until(waiting.has_ended)


def test_a_start_without_its_worktree_leaves_no_terminal(fleet: Fleet, repository: Path) -> None:
    (repository / ".worktrees").symlink_to("/tmp")

    with pytest.raises(WorktreeRefused, match="leads out of"):
        fleet.start(Wanted("t", HANG))

    socket = fleet._runtime.handle_for("").rstrip(":")
    listed = ["tmux", "-S", socket, "list-sessions"]
    assert subprocess.run(listed, capture_output=True, check=False).stdout == b""
    assert fleet.workers() == []
