"""Ends: of tmux, of a session, and what only looks like one."""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGQUIT, SIGTERM

import pytest

from tests.conftest import CHECKOUT, make_fleet
from worker_manager import reports
from worker_manager.errors import RuntimeUnavailable
from worker_manager.fleet import Fleet, Wanted
from worker_manager.models import Status, Worker
from worker_manager.rehearsal.session import RehearsedSession
from worker_manager.state import processes

HANG = '```steps\n[{"hang": true}]\n```'
#: A busy machine is slow; only a failure takes that long.
WAIT_SECONDS = 60


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def running_worker(fleet: Fleet) -> Worker:
    """One that has checked in."""
    worker = fleet.start(Wanted("t", HANG)).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.RUNNING)
    return fleet.worker(worker.id)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def tmux(socket: str, *arguments: str) -> str:
    done = subprocess.run(
        ["tmux", "-L", socket, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def take_mail(fleet: Fleet) -> list[tuple[str, str]]:
    """Type and sender of each waiting message, taken out."""
    claim = fleet.claim_mail(most=50)
    if claim is None:
        return []
    claim.acknowledge()
    return [(message.type, message.sender) for message in claim.messages]


@contextmanager
def hanging(socket: str) -> Iterator[None]:
    """While this is held, the tmux server answers nobody."""
    server = int(tmux(socket, "display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server, signal.SIGCONT)


@pytest.mark.promise("report-end")
def test_when_the_tmux_server_is_killed_each_worker_is_told_of_once(
    fleet: Fleet, tmux_socket: str
) -> None:
    ids = {running_worker(fleet).id for _ in range(2)}

    tmux(tmux_socket, "kill-server")
    wait_until(lambda: all(worker.finished for worker in fleet.workers()))
    told = take_mail(fleet)
    wait_until(lambda: all(worker.exit_code is not None for worker in fleet.workers()))

    assert sorted(told + take_mail(fleet)) == sorted(("failed", one) for one in ids)


@pytest.mark.promise("end-agent")
def test_a_stop_ends_the_agent_and_not_only_its_terminal(fleet: Fleet) -> None:
    steps = '```steps\n[{"run": "echo $PPID > agent"}, {"hang": true}]\n```'
    worker = fleet.start(Wanted("t", steps)).worker
    noted = Path(worker.path, "agent")
    wait_until(lambda: noted.exists() and noted.read_text("utf-8").endswith("\n"))
    agent = processes.identity(int(noted.read_text("utf-8")))
    assert agent

    fleet.stop(worker.id)

    wait_until(lambda: processes.has_ended(agent))
    wait_until(lambda: fleet.worker(worker.id).exit_code is not None)
    assert fleet.worker(worker.id).status is Status.STOPPED
    assert take_mail(fleet) == []


def test_what_a_worker_runs_hears_the_signals_that_it_should(fleet: Fleet) -> None:
    steps = '```steps\n[{"run": "cat /proc/self/status > seen"}, {"hang": true}]\n```'
    worker = fleet.start(Wanted("t", steps)).worker
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
    assert take_mail(fleet) == [("failed", worker.id)]


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
    wait_until(lambda: processes.has_ended(worker.process))


def test_a_worker_whose_tmux_server_cannot_be_found_is_not_declared_dead(
    fleet: Fleet, tmux_socket: str
) -> None:
    worker = running_worker(fleet)
    server = int(tmux(tmux_socket, "display-message", "-p", "#{pid}"))
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
    assert [kind for kind, _ in take_mail(fleet)] == ["failed", "completion"]


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
    assert take_mail(fleet) == [("failed", worker.id)]


@pytest.mark.promise("end-fast")
@pytest.mark.anyio
async def test_a_deliberate_end_takes_no_time_and_ends_all_workers(
    repository: Path, tmux_socket: str
) -> None:
    session_id = str(uuid.uuid4())
    environ = {
        **os.environ,
        "WORKER_MANAGER_PYTHON": sys.executable,
        "WORKER_MANAGER_TMUX_SOCKET": tmux_socket,
        "WORKER_MANAGER_AGENT": "scripted",
    }
    boss = RehearsedSession(
        plugin_root=CHECKOUT, cwd=repository, session_id=session_id, environ=environ
    )
    async with boss:
        await boss.start()
        for _ in range(5):
            await boss.call_tool("start_worker", title="t", task=HANG)
        begun = time.monotonic()
        await boss.hook("SessionEnd", reason="prompt_input_exit")
        took = time.monotonic() - begun

    fleet = make_fleet(repository, tmux_socket, session_id)
    wait_until(lambda: all(worker.finished for worker in fleet.records.all()))
    assert took < 1.5
    assert [worker.status for worker in fleet.workers()] == [Status.STOPPED] * 5
    assert subprocess.run(["tmux", "-L", tmux_socket, "ls"], capture_output=True).returncode
    assert take_mail(fleet) == []
