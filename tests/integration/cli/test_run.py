"""`worker-manager run`: the whole job without an orchestrating model."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet
from tests.integration.cli.conftest import Command, validated
from tests.integration.crew.messaging.dialogs.session import ASK as ASK_USER
from tests.integration.crew.messaging.dialogs.session import BASH, Session, decided
from tests.support.scripted.workers import recorded_worker, running_worker
from tests.support.terminals.person import (
    ASK,
    COMMIT,
    COMPLETE,
    HANG,
    MODULE,
    WRITE,
    Terminal,
    steps,
)
from tests.support.waiting import WAIT_SECONDS, wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status

SAID = steps('{"write": {"path": "greeting.txt", "text": "Hi\\n"}}', COMMIT, COMPLETE)


@pytest.mark.promise("run")
def test_a_question_is_answered_at_the_prompt_and_the_work_merged(
    repository: Path, terminal: Terminal
) -> None:
    terminal.run("run", steps(ASK, WRITE, COMMIT, COMPLETE), cwd=repository)
    asked = terminal.wait_for("(empty: later):")
    terminal.type("Good morning")
    offered = terminal.wait_for("[n]o:")
    terminal.type("d")
    terminal.wait_for("+Good morning")
    terminal.type("y")

    assert terminal.wait_for_end() == 0
    assert "  | Which greeting?" in asked
    assert "  | It says: Good morning" in offered
    assert "greeting.txt | 1 +" in offered
    assert git(repository, "show", "main:greeting.txt") == "Good morning"


def test_a_merge_that_is_declined_changes_nothing_and_is_named(
    repository: Path, terminal: Terminal, mine: Fleet
) -> None:
    before = git(repository, "rev-parse", "main")
    terminal.run("run", SAID, cwd=repository)
    terminal.wait_for("[n]o:")
    terminal.type("maybe")
    terminal.wait_for("'maybe' is none of them.")
    terminal.type("n")

    assert terminal.wait_for_end() == 0
    (worker,) = mine.workers()
    assert f"worker-manager merge {worker.id}" in terminal.screen()
    assert git(repository, "rev-parse", "main") == before


def test_a_question_that_is_left_for_later_ends_the_run_with_the_way_back(
    repository: Path, terminal: Terminal, mine: Fleet
) -> None:
    terminal.run("run", steps(ASK, COMPLETE), cwd=repository)
    terminal.wait_for("(empty: later):")
    terminal.press("Enter")

    assert terminal.wait_for_end() == 4
    (worker,) = mine.workers()
    assert worker.status is Status.ASKING
    assert f"run --follow {worker.id}" in terminal.screen()


@pytest.mark.parametrize(
    ("typed", "decision"),
    [
        (["a"], {"behavior": "allow"}),
        (["deny", "Not on main"], {"behavior": "deny", "message": "Not on main"}),
    ],
)
def test_a_permission_is_asked_with_its_exact_input_and_decided(
    repository: Path,
    terminal: Terminal,
    session: Session,
    typed: list[str],
    decision: dict[str, str],
) -> None:
    hook, _ = session.open(BASH)
    terminal.run("run", "--follow", session.id, cwd=repository)
    asked = terminal.wait_for("[a]llow, [d]eny, [l]ater:")
    terminal.type(typed[0])
    for text in typed[1:]:
        terminal.wait_for("Why not")
        terminal.type(text)

    assert decided(hook) == decision
    assert '  |  "command": "make"' in asked


def test_a_question_at_a_workers_terminal_is_answered_with_an_option(
    repository: Path, terminal: Terminal, session: Session
) -> None:
    hook, _ = session.open(ASK_USER)
    terminal.run("run", "--follow", session.id, cwd=repository)
    terminal.wait_for("(empty: later):")
    terminal.type("blue")

    assert decided(hook)["updatedInput"]["answers"] == {"Which color?": "Blue"}


@pytest.mark.promise("run-exit")
@pytest.mark.parametrize(
    ("task", "code"),
    [
        (SAID, 0),
        (steps('{"crash": 7}'), 3),
        (steps(ASK, COMPLETE), 4),
    ],
)
def test_without_a_terminal_the_exit_code_tells_how_it_ended(
    command: Command, task: str, code: int
) -> None:
    done = command("run", task)

    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == ""


@pytest.mark.promise("run-exit")
def test_a_merge_that_is_refused_has_an_exit_code_of_its_own(
    repository: Path, command: Command
) -> None:
    done = command("run", "--merge", SAID, SAID.replace("Hi", "Ho"))

    assert done.returncode == 5, done.stdout
    assert "it is in conflict with main in 'greeting.txt'" in done.stdout
    assert git(repository, "show", "main:greeting.txt") == "Hi"


def test_several_tasks_are_several_workers_from_arguments_and_files(
    command: Command, mine: Fleet, tmp_path: Path
) -> None:
    (tmp_path / "task.md").write_text(steps(COMPLETE), "utf-8")

    done = command("run", steps(COMPLETE), "--file", str(tmp_path / "task.md"))

    assert done.returncode == 0, done.stderr
    assert [one.status for one in mine.workers()] == [Status.COMPLETED] * 2


def test_every_line_of_json_is_an_event(command: Command) -> None:
    done = command("run", "--json", "--yes", SAID)

    events = validated("run", done.stdout)
    assert [one["event"] for one in events if one["event"] != "status"] == [
        "started",
        "letter",
        "merged",
        "ended",
    ]
    assert events[-1]["status"] == "completed"


@pytest.mark.promise("run-interrupt")
def test_an_interrupt_leaves_the_workers_at_work_and_says_how_to_come_back(
    repository: Path, mine: Fleet
) -> None:
    process = subprocess.Popen(
        [*MODULE, "run", steps(HANG)],
        cwd=repository,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    worker = wait_until(
        lambda: next((one for one in mine.workers() if one.status is Status.RUNNING), None)
    )
    assert process.stdout is not None
    assert worker.name in process.stdout.readline()  # it knows whom it has started
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 130
    assert f"worker-manager run --follow {worker.id}" in said
    assert mine.look_at(worker.id).status is Status.RUNNING


def test_what_others_run_is_left_to_them(command: Command, mine: Fleet) -> None:
    other = running_worker(mine)
    done = command("run", steps(COMPLETE))

    assert done.returncode == 0
    assert mine.look_at(other.id).status is Status.RUNNING


def test_one_that_waits_for_room_is_started_by_the_run_itself(here: Command, mine: Fleet) -> None:
    done = here("run", steps(COMPLETE), steps(COMPLETE), WORKER_MANAGER_MAX_WORKERS="1")

    assert "queued (1 of 1: max_workers is 1)" in done.stdout
    assert done.returncode == 0, done.stdout
    assert [one.status for one in mine.workers()] == [Status.COMPLETED] * 2


def test_the_letters_of_a_session_are_not_taken_by_following_its_workers(
    command: Command, repository: Path, tmux_socket: str
) -> None:
    theirs = make_fleet(repository, tmux_socket)
    worker = recorded_worker(theirs, repository, status=Status.RUNNING)
    reports.tell_once(theirs.records, worker, "question", "m1", "Which greeting?")

    refused = command("run", "--follow", worker.id)

    assert refused.returncode == 1
    assert f"worker-manager logs -f {worker.id}" in refused.stderr
    assert theirs.mailbox.is_unread("m1")


def test_workers_of_another_repository_are_followed_together(
    command: Command, mine: Fleet, repository: Path, tmp_path: Path
) -> None:
    done = [recorded_worker(mine, repository, status=Status.STOPPED).id for _ in range(2)]

    followed = command("run", "--follow", done[0], "--follow", done[1], cwd=tmp_path)

    assert followed.returncode == 3, followed.stderr
