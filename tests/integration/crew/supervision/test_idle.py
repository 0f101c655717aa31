"""A session whose workers wait costs nothing, and still misses nothing."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.scripted.client import Client
from tests.support.scripted.workers import recorded_worker
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Status
from worker_manager.hooks import delivery, user_prompt_submit
from worker_manager.state import sessions
from worker_manager.state.bells import Bell
from worker_manager.state.layout import state_root
from worker_manager.state.workers.records import now

#: A server that would look after its workers, or say that it waits, each second.
HASTY = """
from worker_manager.crew.supervision import next_check
from worker_manager.state import bells
next_check.BUSY_SECONDS = bells.BLIND_SECONDS = 1.0
from worker_manager.__main__ import main
main()
"""
#: One that would say only after a long time that it waits.
SILENT = """
from worker_manager.servers.tools import worker
assert worker.PROGRESS_SECONDS
worker.PROGRESS_SECONDS = 1_000.0
from worker_manager.__main__ import main
main()
"""


def wakes(pid: int) -> tuple[int, bool]:
    """How often any thread of a process has had to wait for something, and whether all do now."""
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    lines = [line.split() for one in tasks for line in one.read_text("ascii").splitlines()]
    counts = [int(words[1]) for words in lines if words[0].startswith("voluntary")]
    return sum(counts), all(words[1] == "S" for words in lines if words[0] == "State:")


def sleeps(pid: int, seconds: float = 1) -> bool:
    """Whether it does nothing for so long."""
    before = wakes(pid)
    time.sleep(seconds)
    return wakes(pid) == before == (before[0], True)


class Crew:
    """An orchestrator's server in a process of its own, and its fleet."""

    def __init__(self, repository: Path, client: Client, fleet: Fleet) -> None:
        self.repository, self.client, self.fleet = repository, client, fleet

    def sleeps(self) -> bool:
        return sleeps(self.client.server.pid)


@pytest.fixture
def another(repository: Path, tmux_socket: str) -> Iterator[Callable[[], Crew]]:
    """Starts one."""
    with ExitStack() as ends:

        def start() -> Crew:
            session_id = str(uuid.uuid4())
            fleet = make_fleet(repository, tmux_socket, session_id)
            client = Client(
                [sys.executable, "-I", "-c", HASTY],
                repository,
                CLAUDE_CODE_SESSION_ID=session_id,
                CLAUDE_PROJECT_DIR=str(repository),
                WORKER_MANAGER_TMUX_SOCKET=tmux_socket,
            )
            ends.callback(client.kill)
            return Crew(repository, client, fleet)

        yield start


@pytest.fixture
def crew(another: Callable[[], Crew]) -> Crew:
    return another()


def begin(crew: Crew, called: bool) -> None:
    crew.client.begin()
    if called:  # the SDK serves
        crew.client.ask("tools/call", name="list_workers", arguments={})
    else:
        crew.client.ask("tools/list")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="counts what Linux counts")
def test_no_timer_runs_while_all_workers_wait(another: Callable[[], Crew]) -> None:
    # Side by side: it takes a while.
    crews = {called: another() for called in (False, True)}
    for called, crew in crews.items():
        for status in (Status.ASKING, Status.COMPLETED, Status.BLOCKED, Status.STOPPED):
            recorded_worker(crew.fleet, crew.repository, status=status, changed_at=now())
        begin(crew, called)
    for crew in crews.values():
        wait_until(crew.sleeps)

    pids = {called: crew.client.server.pid for called, crew in crews.items()}
    before = {called: wakes(pid) for called, pid in pids.items()}
    time.sleep(3)

    assert {called: wakes(pid) for called, pid in pids.items()} == before


def test_a_worker_that_begins_to_work_is_looked_after_at_once(crew: Crew) -> None:
    worker = recorded_worker(crew.fleet, crew.repository, status=Status.ASKING)
    begin(crew, called=False)
    wait_until(crew.sleeps)

    # Nobody asks the server anything: what starts is gone, and it finds that out by itself.
    crew.fleet.records.update(
        worker.id, lambda one: one.restore("", at=one.created_at, waits_for="")
    )

    wait_until(lambda: crew.fleet.records.load(worker.id).status is Status.FAILED)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="counts what Linux counts")
def test_a_worker_that_waits_for_its_answer_sleeps_until_it_comes(
    fleet: Fleet, repository: Path
) -> None:
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    client = Client(
        [sys.executable, "-I", "-c", SILENT],
        repository,
        CLAUDE_CODE_SESSION_ID=worker.session_id,
        WORKER_MANAGER_WORKER_ID=worker.id,
    )
    client.begin()
    question = {"name": "ask", "arguments": {"question": "Which?"}}
    client.say(id=7, method="tools/call", params=question)
    wait_until(lambda: fleet.worker(worker.id).status is Status.ASKING)

    wait_until(lambda: sleeps(client.server.pid))  # it looked ten times a second
    fleet.nudge(worker.id, "This one.")
    answer = client.hear()  # without its next word of progress

    assert "This one." in str(answer["result"])
    client.kill()


@pytest.fixture
def bell(fleet: Fleet) -> Iterator[Bell]:
    """That of the orchestrator."""
    bell = Bell(fleet.home)
    yield bell
    bell.close()


def rings(bell: Bell) -> bool:
    """Whether it was rung."""
    is_rung = bool(select.select([bell.descriptor], [], [], 0)[0])
    bell.drain()
    return is_rung


def test_whoever_changes_something_of_a_worker_rings(
    fleet: Fleet, repository: Path, bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    assert rings(bell)
    assert not rings(bell)
    home = fleet.records.home(worker.id)

    fleet.records.update(worker.id, lambda one: one._replace(reason="another"))
    assert rings(bell)
    fleet.records.update(worker.id, lambda one: one)
    assert not rings(bell)

    with closing(Bell(home)) as its_own:
        fleet.nudge(worker.id, "Go on.")
        assert rings(its_own)
    assert not rings(bell)  # the worker has not heard of it yet
    assert delivery.take(home) is not None
    assert rings(bell)

    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", worker.session_id)
    assert user_prompt_submit.run() == 0  # a person typed at its terminal
    assert rings(bell)


def test_a_session_that_goes_over_to_another_home_wakes_its_server(
    fleet: Fleet, repository: Path, bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_PID", str(os.getpid()))
    sessions.link_process(state_root(), os.getpid(), fleet.home)
    given = {"session_id": str(uuid.uuid4()), "source": "resume", "cwd": str(repository)}
    hook = [sys.executable, "-I", "-m", "worker_manager", "--hook", "SessionStart"]

    subprocess.run(hook, input=json.dumps(given).encode(), check=True, capture_output=True)

    assert rings(bell)
