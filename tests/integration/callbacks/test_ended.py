"""Ends: of tmux, of a session, and what only looks like one."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGQUIT, SIGTERM

import pytest

from tests.conftest import make_fleet
from tests.support.scripted.rehearsed import session
from tests.support.scripted.workers import running_worker, take_news
from tests.support.terminals.tmux import hanging, run_tmux, tmux_pid
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status
from worker_manager.errors import RuntimeUnavailable
from worker_manager.state import process_identity
from worker_manager.state.workers import launches


@pytest.mark.promise("report-end")
def test_when_the_tmux_server_is_killed_each_worker_is_told_of_once(
    fleet: Fleet, tmux_socket: str
) -> None:
    ids = {running_worker(fleet).id for _ in range(2)}

    run_tmux(tmux_socket, "kill-server")
    wait_until(lambda: all(worker.finished for worker in fleet.workers()))
    told = take_news(fleet)
    wait_until(lambda: all(worker.exit_code is not None for worker in fleet.workers()))

    assert sorted(told + take_news(fleet)) == sorted(("failed", one) for one in ids)


@pytest.mark.promise("end-agent")
def test_a_stop_ends_the_agent_and_not_only_its_terminal(fleet: Fleet) -> None:
    steps = '```steps\n[{"run": "echo $PPID > agent"}, {"hang": true}]\n```'
    worker = fleet.start(StartRequest("t", steps)).worker
    noted = Path(worker.path, "agent")
    wait_until(lambda: noted.exists() and noted.read_text("utf-8").endswith("\n"))
    agent = process_identity.identity(int(noted.read_text("utf-8")))
    assert agent

    fleet.stop(worker.id)

    wait_until(lambda: process_identity.has_ended(agent))
    wait_until(lambda: fleet.worker(worker.id).exit_code is not None)
    assert fleet.worker(worker.id).status is Status.STOPPED
    assert take_news(fleet) == []


@pytest.mark.promise("end-agent")
def test_a_stop_in_the_moment_of_the_start_leaves_no_agent(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    reading, go = tmp_path / "reading", tmp_path / "go"
    until_go = f"while [ ! -e {shlex.quote(str(go))} ]; do sleep 0.05; done"
    setup = f"trap '' HUP; touch {shlex.quote(str(reading))}; {until_go}"
    fleet = make_fleet(repository, tmux_socket, worktree_setup=setup)
    steps = '```steps\n[{"run": "touch began"}, {"hang": true}]\n```'
    worker = fleet.start(StartRequest("t", steps)).worker
    wait_until(reading.exists)  # there is no agent yet

    fleet.stop(worker.id)
    go.touch()

    wait_until(lambda: fleet.worker(worker.id).exit_code is not None)
    assert not Path(worker.path, "began").exists()


@pytest.mark.promise("end-agent")
def test_a_launch_script_that_is_killed_before_its_agent_began_leaves_no_agent(
    fleet: Fleet, tmp_path: Path
) -> None:
    began, ended = tmp_path / "began", tmp_path / "ended"
    kill_first_shell = (
        "trap '' HUP; first=$(ps -o ppid= -p $PPID); kill -9 $first; "
        "while ps -o stat= -p $first | grep -qv Z; do sleep 0.05; done"
    )
    launches.write_script(
        str(tmp_path),
        cwd=str(tmp_path),
        argv=["touch"],
        prompt=str(began),
        environment={},
        on_exit=["touch", str(ended)],
        on_silence=["true"],
        unset=["NOTHING"],
        before=["sh", "-c", kill_first_shell],
    )
    runtime = fleet.context.runtime
    script = launches.script_path(str(tmp_path))

    runtime.launch(runtime.handle_for("t"), ["sh", script], cwd=str(tmp_path))

    wait_until(ended.exists)
    assert not began.exists()


def test_what_a_worker_runs_hears_the_signals_that_it_should(fleet: Fleet) -> None:
    steps = '```steps\n[{"run": "cat /proc/self/status > seen"}, {"hang": true}]\n```'
    worker = fleet.start(StartRequest("t", steps)).worker
    seen = Path(worker.path, "seen")
    wait_until(lambda: seen.exists() and "SigIgn" in seen.read_text("utf-8"))

    ignored = int(re.findall(r"SigIgn:\s(\w+)", seen.read_text("utf-8"))[0], 16)
    unheard = [one.name for one in (SIGHUP, SIGINT, SIGQUIT, SIGTERM) if ignored >> one - 1 & 1]
    assert unheard == []


@pytest.mark.promise("reconcile-unknown")
def test_a_stop_that_a_hanging_tmux_does_not_carry_out_is_withdrawn(
    fleet: Fleet, tmux_socket: str
) -> None:
    worker = running_worker(fleet)

    with hanging(tmux_socket):
        with pytest.raises(RuntimeUnavailable, match="did not answer within"):
            fleet.stop(worker.id)
        assert fleet.worker(worker.id) == worker

    # tmux carries it out when it wakes: nobody was told so, so it is no quiet stop.
    wait_until(lambda: fleet.workers()[0].finished)
    assert fleet.worker(worker.id).status is Status.FAILED
    assert take_news(fleet) == [("failed", worker.id)]


def test_a_worker_runs_on_whatever_the_settings_say_by_now(
    repository: Path,
    fleet: Fleet,
    tmux_socket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = running_worker(fleet)
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path))
    elsewhere = make_fleet(repository, f"{tmux_socket}-other")

    assert elsewhere.workers() == [worker]

    assert elsewhere.stop(worker.id).status is Status.STOPPED
    wait_until(lambda: process_identity.has_ended(worker.process))


def test_a_worker_whose_tmux_server_cannot_be_found_is_not_declared_dead(
    fleet: Fleet, tmux_socket: str
) -> None:
    worker = running_worker(fleet)
    server = tmux_pid(tmux_socket)
    os.unlink(worker.handle.rpartition(":")[0])

    assert fleet.workers() == [worker]

    os.kill(server, signal.SIGUSR1)  # tmux makes its socket anew
    wait_until(lambda: os.path.exists(worker.handle.rpartition(":")[0]))


def test_a_worker_that_was_taken_for_dead_and_completes_is_completed(fleet: Fleet) -> None:
    worker = running_worker(fleet)
    reports.ended(fleet.records, worker.id, exit_code=None, screen="")
    assert fleet.worker(worker.id).status is Status.FAILED

    reports.complete(fleet.records, worker.id, "done after all")

    assert fleet.worker(worker.id).status is Status.COMPLETED
    assert [kind for kind, _ in take_news(fleet)] == ["failed", "completion"]


def test_an_end_is_told_however_broken_the_settings_are(repository: Path, fleet: Fleet) -> None:
    worker = running_worker(fleet)
    (repository / "worker-manager.toml").write_text("agent = [", "utf-8")
    (Path(worker.path) / "worker-manager.toml").write_text("agent = [", "utf-8")
    pid = worker.process.partition("-")[0]
    command = [sys.executable, "-I", "-m", "worker_manager", "--exited", worker.id, pid, "7"]

    done = subprocess.run(command, cwd=worker.path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (7, "")
    ended = fleet.worker(worker.id)
    assert (ended.status, ended.exit_code) == (Status.FAILED, 7)
    assert take_news(fleet) == [("failed", worker.id)]


@pytest.mark.promise("end-fast")
@pytest.mark.anyio
async def test_a_deliberate_end_takes_no_time_and_ends_all_workers(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        for _ in range(5):
            await boss.start_worker()
        begun = time.monotonic()
        with hanging(tmux_socket):  # to stop them itself it would wait five seconds for each
            await boss.hook("SessionEnd", reason="prompt_input_exit")
        took = time.monotonic() - begun

    fleet = make_fleet(repository, tmux_socket, boss.session_id)
    wait_until(lambda: all(worker.finished for worker in fleet.records.all()))
    assert took < 20
    assert [worker.status for worker in fleet.workers()] == [Status.STOPPED] * 5
    assert subprocess.run(["tmux", "-L", tmux_socket, "ls"], capture_output=True).returncode
    assert take_news(fleet) == []
