"""What a worker's agent is started with, and what is noted of it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet
from tests.support.scripted.workers import HANG
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status
from worker_manager.errors import StateUnavailable, WorktreeRefused
from worker_manager.runtimes.tmux.gate import Gate
from worker_manager.runtimes.tmux.runtime import Tmux
from worker_manager.state import process_identity
from worker_manager.state.layout import state_root
from worker_manager.state.locking import exclusive
from worker_manager.state.workers.records import Records, now


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

    fleet.start(StartRequest("t", "x"))

    wait_until(claude.exists)
    assert f"MCP_TIMEOUT={expected}\n" in claude.read_text("utf-8")


def test_the_record_has_the_noted_process_after_its_next_change(fleet: Fleet) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    record = Path(fleet.records.home(worker.id), "worker.json")

    assert worker.launched
    assert process_identity.surely_runs(worker.process)
    assert not json.loads(record.read_text("utf-8"))["launched"]  # no disk was waited for

    fleet.records.update(worker.id, lambda one: one._replace(reason="another one"))

    assert json.loads(record.read_text("utf-8"))["process"] == worker.process


def test_one_who_lists_hears_of_a_process_that_was_noted_since_then(fleet: Fleet) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    note = Path(fleet.records.home(worker.id), "process")
    process = note.read_text("utf-8")
    note.unlink()
    records = Records(fleet.records.repository)
    assert [one.launched for one in records.all()] == [False]

    note.write_text(process, "utf-8")

    assert [one.process for one in records.all()] == [process]
    assert records.all()[0] is records.all()[0]  # whoever has seen it need not look again


def test_a_worker_that_is_to_be_launched_anew_is_not_taken_for_launched(fleet: Fleet) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker

    _, anew = fleet.records.update(
        worker.id, lambda one: one.restore(one.starter, at=now(), waits_for="")
    )

    assert not fleet.records.load(worker.id).launched
    assert anew.process == worker.process  # until there is another one


_OPENER = """
import sys
from worker_manager.runtimes.tmux.runtime import Tmux
runtime = Tmux(sys.argv[1])
with runtime.opening(runtime.handle_for("w"), sys.argv[2], cwd="/") as opened:
    print(opened(), flush=True)
    failed = sys.stdin.readline() == "fail\\n"
    1 / (not failed)
"""


class _Opening:
    """A terminal whose script is not there yet, and the process that opens it."""

    def __init__(self, socket: str, folder: Path) -> None:
        self.socket = socket
        self.script = folder / "launch.sh"
        command = [sys.executable, "-c", _OPENER, socket, str(self.script)]
        self.opener = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.opener.stdout is not None
        self.pid = self.opener.stdout.readline()

    def write_script(self) -> None:
        ran = self.script.with_name("ran")
        self.script.write_text(f'echo "$$" >{ran}.part; mv {ran}.part {ran}; sleep 600', "utf-8")

    def go_on(self, how: str = "") -> None:
        self.opener.communicate(f"{how}\n")

    def ran(self) -> str:
        """The pid of the script that ran; empty when none has."""
        ran = self.script.with_name("ran")
        return ran.read_text("utf-8") if ran.exists() else ""

    def is_gone(self) -> bool:
        """Whether neither the terminal is there any more, nor what it waited before."""
        asked = ["tmux", "-L", self.socket, "list-sessions"]
        is_there = subprocess.run(asked, capture_output=True, check=False).stdout
        folder = Path(Tmux(self.socket).handle_for("")).parent
        return not is_there and not list(folder.glob(f"{self.socket}.*"))


@pytest.fixture
def opening(tmp_path: Path, tmux_socket: str) -> Iterator[_Opening]:
    opening = _Opening(tmux_socket, tmp_path)
    yield opening
    opening.opener.kill()
    opening.opener.communicate()


def test_a_terminal_waits_for_its_script_and_becomes_it(opening: _Opening) -> None:
    opening.write_script()
    time.sleep(0.3)
    assert not opening.ran()

    opening.go_on()

    wait_until(opening.ran)
    assert opening.ran() == opening.pid


def test_a_terminal_whose_script_is_not_there_goes_away(opening: _Opening) -> None:
    opening.go_on()

    wait_until(opening.is_gone)


def test_a_terminal_goes_away_with_a_start_that_fails(opening: _Opening) -> None:
    opening.write_script()

    opening.go_on("fail")

    assert opening.is_gone()  # at once: the rest is taken back now
    assert not opening.ran()


def test_a_terminal_goes_away_when_its_opener_has_died(opening: _Opening) -> None:
    opening.opener.kill()

    wait_until(opening.is_gone)


def test_a_script_begins_that_its_opener_has_written_before_it_died(opening: _Opening) -> None:
    opening.write_script()

    opening.opener.kill()

    wait_until(opening.ran)


def test_who_comes_to_an_open_gate_does_not_wait(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo ran", "utf-8")
    gate = Gate(str(tmp_path / "gate"))
    gate.open()

    done = subprocess.run(gate.program(str(script), ["false"]), capture_output=True)

    assert done.stdout == b"ran\n"
    assert "gate" not in os.listdir(tmp_path)


def test_a_start_without_its_worktree_leaves_no_terminal(fleet: Fleet, repository: Path) -> None:
    (repository / ".worktrees").symlink_to("/tmp")

    with pytest.raises(WorktreeRefused, match="leads out of"):
        fleet.start(StartRequest("t", HANG))

    assert _terminals(fleet) == b""
    assert fleet.workers() == []


def _while_the_worktree_is_made(repository: Path, command: str) -> None:
    """git itself runs it."""
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{command}\n", "utf-8")
    hook.chmod(0o755)


def _socket(fleet: Fleet) -> str:
    return fleet.context.runtime.handle_for("").rstrip(":")


def _terminals(fleet: Fleet) -> bytes:
    listed = ["tmux", "-S", _socket(fleet), "list-sessions"]
    return subprocess.run(listed, capture_output=True, check=False).stdout


def test_a_terminal_that_ends_during_the_start_is_told(fleet: Fleet, repository: Path) -> None:
    tmux = f"tmux -S {_socket(fleet)}"
    opened = f"{tmux} list-panes -a 2>/dev/null | grep -q ."
    _while_the_worktree_is_made(
        repository, f"until {opened}; do sleep 0.02; done; sleep 0.1; {tmux} kill-server"
    )

    worker = fleet.start(StartRequest("t", HANG)).worker

    assert worker.launched
    wait_until(lambda: process_identity.has_ended(worker.process))
    assert [one.status for one in fleet.workers()] == [Status.FAILED]


def test_a_worker_stopped_during_its_start_can_be_restored(
    fleet: Fleet, repository: Path, tmux_socket: str
) -> None:
    go = repository.parent / "go"
    _while_the_worktree_is_made(repository, f"until [ -e {go} ]; do sleep 0.02; done")
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(fleet.start, StartRequest("t", HANG))
        wait_until(fleet.workers)
        stopped = fleet.stop(fleet.workers()[0].id)
        go.touch()
        started = starting.result().worker

    assert (stopped.status, started.status) == (Status.STOPPED, Status.STOPPED)
    assert fleet.restore(started.id, "Go on with it.").status is Status.STARTING
    script = Path(fleet.records.home(started.id), "launch.sh").read_text("utf-8")
    assert "restored.md" in script
    wait_until(lambda: fleet.worker(started.id).status is Status.RUNNING)


def test_a_start_that_can_not_be_noted_is_taken_back_whole(fleet: Fleet, repository: Path) -> None:
    home = f"{fleet.records.repository}/workers/*"
    _while_the_worktree_is_made(repository, f"for one in {home}; do mkdir $one/process; done")

    with pytest.raises(StateUnavailable, match="process can't be used"):
        fleet.start(StartRequest("t", HANG))

    assert _terminals(fleet) == b""
    assert fleet.workers() == []
    assert os.listdir(repository / ".worktrees") == []
    assert git(repository, "branch", "--list", "worker/*") == ""


def test_a_launch_script_of_an_earlier_start_is_not_run(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    narrow = make_fleet(repository, tmux_socket, max_workers=1)
    first, queued = (narrow.start(StartRequest("t", HANG)).worker for _ in range(2))
    stale = Path(narrow.records.home(queued.id), "launch.sh")
    stale.write_text(f"touch {tmp_path}/ran\n", "utf-8")

    narrow.stop(first.id)
    narrow.supervisor.supervise_once()

    wait_until(lambda: narrow.worker(queued.id).status is Status.RUNNING)
    assert not (tmp_path / "ran").exists()


def test_a_record_reaches_the_disk_while_a_merge_holds_gits_lock(
    fleet: Fleet, repository: Path
) -> None:
    # Its session is linked once that is so.
    links = Path(state_root(), "sessions")
    before = set(links.glob("*"))
    with ThreadPoolExecutor() as pool:
        Path(fleet.records.repository).mkdir(parents=True, exist_ok=True)
        with exclusive(f"{fleet.records.repository}/git.lock"):
            starting = pool.submit(fleet.start, StartRequest("t", HANG))
            wait_until(lambda: set(links.glob("*")) - before)
            assert not starting.done()
        worker = starting.result().worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.RUNNING)
