"""`worker-manager attach`: it never fails for where one stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Command, validated
from tests.support.scripted.workers import recorded_worker
from tests.support.terminals.person import MODULE, Terminal
from tests.support.terminals.tmux import run_tmux
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Worker

STEPS = '```steps\n[{"say": "SHOWN-1"}, {"hang": true}]\n```'


@pytest.fixture
def worker(mine: Fleet) -> Worker:
    """One that has said something."""
    return mine.start(StartRequest("t", STEPS)).worker


@pytest.mark.promise("attach")
def test_outside_of_tmux_the_terminal_becomes_the_workers(
    worker: Worker, terminal: Terminal, repository: Path
) -> None:
    terminal.run("attach", worker.id[:4], cwd=repository)

    terminal.wait_for("SHOWN-1")
    terminal.press("C-b", "d")
    assert terminal.wait_for_end() == 0


@pytest.mark.promise("attach")
def test_inside_of_a_persons_tmux_it_opens_as_a_window_and_the_shell_stays(
    worker: Worker, terminal: Terminal, repository: Path
) -> None:
    terminal.run(cwd=repository, is_tmux=True, program=["sh"])
    terminal.type(" ".join([*MODULE, "attach", worker.name]))

    terminal.wait_for("SHOWN-1")
    assert terminal.windows()[1:] == [worker.name]


@pytest.mark.promise("attach")
def test_inside_of_our_own_tmux_the_client_switches(
    worker: Worker, terminal: Terminal, repository: Path, tmux_socket: str
) -> None:
    run_tmux(tmux_socket, "new-session", "-d", "-s", "shell", "-c", str(repository), "--", "sh")
    attach = ["tmux", "-L", tmux_socket, "attach", "-t", "shell"]
    terminal.run(cwd=repository, program=attach)
    wait_until(lambda: run_tmux(tmux_socket, "list-clients"))
    terminal.type(" ".join([*MODULE, "attach", worker.id]))

    terminal.wait_for("SHOWN-1")
    clients = run_tmux(tmux_socket, "list-clients", "-F", "#{client_session}")
    assert clients == worker.name


def test_a_whole_id_is_found_from_any_directory(
    worker: Worker, command: Command, tmp_path: Path
) -> None:
    (found,) = validated("attach", command("attach", worker.id, "--json", cwd=tmp_path).stdout)
    beginning = command("attach", worker.id[:6], cwd=tmp_path)

    assert found["command"][-1] == f"={worker.name}"
    assert beginning.returncode == 1


def test_without_a_terminal_it_says_what_to_run_in_one(worker: Worker, command: Command) -> None:
    done = command("attach", worker.id)

    assert done.returncode == 1
    assert "attach needs a terminal" in done.stderr
    assert f"attach-session -t ={worker.name}" in done.stderr.replace("'", "")


def test_of_a_worker_whose_terminal_is_gone_it_says_what_is_left(
    command: Command, mine: Fleet, repository: Path
) -> None:
    gone = recorded_worker(mine, repository)

    assert f"worker-manager logs {gone.id}" in command("attach", gone.id).stderr
