"""Commands that go on: what comes later is shown, and somebody looks after the workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Command
from tests.support.scripted.workers import running_worker
from tests.support.terminals.person import ASK, COMPLETE, HANG, Terminal, steps
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status


def test_mail_that_follows_shows_each_letter_as_it_comes(
    mine: Fleet, repository: Path, terminal: Terminal
) -> None:
    terminal.run("mail", "--follow", cwd=repository)
    worker = mine.start(StartRequest("t", steps(ASK, COMPLETE))).worker
    terminal.wait_for("  | Which greeting?")
    mine.nudge(worker.id, "Hello")
    terminal.wait_for("It says: Hello")
    terminal.press("C-c")

    assert terminal.wait_for_end() == 130


def test_a_log_that_follows_ends_with_its_worker(command: Command, mine: Fleet) -> None:
    worker = mine.start(StartRequest("t", steps('{"say": "Hi"}', COMPLETE))).worker

    done = command("logs", "-f", worker.id[:5])

    assert done.returncode == 0
    assert "[status] status=completed" in done.stdout


def test_an_answer_without_its_text_shows_what_is_asked(
    mine: Fleet, repository: Path, terminal: Terminal
) -> None:
    worker = mine.start(StartRequest("t", steps(ASK, COMPLETE))).worker
    wait_until(lambda: mine.worker(worker.id).status is Status.ASKING)
    terminal.run("answer", worker.id, cwd=repository)
    terminal.wait_for("  | Which greeting?")
    terminal.type("Hello")

    assert terminal.wait_for_end() == 0
    wait_until(lambda: mine.worker(worker.id).status is Status.COMPLETED)


def test_a_stop_waits_until_the_grace_time_is_over(command: Command, mine: Fleet) -> None:
    worker = running_worker(mine)

    done = command("stop", worker.id, WORKER_MANAGER_STOP_GRACE_SECONDS="1")

    assert "was asked to stop" in done.stdout
    assert "is stopped. Its work stays in" in done.stdout
    assert mine.worker(worker.id).status is Status.STOPPED


@pytest.mark.parametrize("text", ["Now this", "-"])
def test_a_nudge_goes_in_the_name_of_the_workers_owner(
    command: Command, fleet: Fleet, text: str
) -> None:
    worker = fleet.start(StartRequest("t", steps('{"idle": 60}', COMPLETE))).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.RUNNING)

    done = command("nudge", worker.id, text, given="From a pipe")

    assert done.returncode == 0, done.stderr
    wait_until(lambda: fleet.worker(worker.id).status is Status.COMPLETED)
    report = fleet.worker(worker.id).report
    assert report is not None
    assert f"mark {worker.mark}" in report.text
    assert (text if text != "-" else "From a pipe") in report.text


def test_in_a_sessions_shell_its_own_workers_are_started(
    command: Command, fleet: Fleet, mine: Fleet
) -> None:
    command("start", steps(HANG), CLAUDE_CODE_SESSION_ID="session-1")

    assert [one.owner for one in mine.records.all()] == [fleet.owner]
