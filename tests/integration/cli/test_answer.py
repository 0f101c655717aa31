"""`worker-manager answer` to a dialog at a worker's terminal."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import make_fleet
from tests.integration.cli.conftest import Command, validated
from tests.integration.crew.messaging.dialogs.session import BASH, Session, decided
from tests.support.scripted.workers import letters_to, recorded_worker, take_mail
from tests.support.terminals.person import Terminal
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.message import BLOCKED
from worker_manager.domain.worker import Report, Status
from worker_manager.state.workers.records import now


def test_what_was_seen_is_denied_with_a_reason(command: Command, session: Session) -> None:
    hook, _ = session.open(BASH)
    seen = command("mail").stdout
    done = command("answer", session.id, "deny", "--because", "Not now", "--json")

    validated("answer", done.stdout)
    assert decided(hook) == {"behavior": "deny", "message": "Not now"}
    assert f"worker-manager answer {session.id} allow|deny" in seen


def test_what_nobody_has_seen_is_not_allowed_blindly(command: Command, session: Session) -> None:
    _, request = session.open(BASH)

    refused = command("answer", session.id, "allow")

    assert refused.returncode == 1
    assert f"--message-id {request}" in refused.stderr
    assert session.open_ids == [request]


def test_without_a_decision_the_exact_input_is_shown_and_asked(
    session: Session, repository: Path, terminal: Terminal
) -> None:
    hook, _ = session.open(BASH)
    terminal.run("answer", session.id, cwd=repository)
    terminal.wait_for('  |  "command": "make"')
    terminal.wait_for("[l]ater:")
    terminal.type("allow")

    assert decided(hook) == {"behavior": "allow"}
    assert terminal.wait_for_end() == 0


def test_one_that_waits_for_nothing_is_named_with_the_command_that_speaks_to_it(
    command: Command, mine: Fleet, repository: Path
) -> None:
    worker = recorded_worker(mine, repository, status=Status.RUNNING)

    assert f"worker-manager nudge {worker.id}" in command("answer", worker.id).stderr


def test_what_only_its_session_has_seen_is_not_allowed_blindly(
    command: Command, repository: Path, tmux_socket: str
) -> None:
    fleet = make_fleet(repository, tmux_socket)
    theirs = Session(fleet, recorded_worker(fleet, repository, status=Status.RUNNING))
    try:
        _, request = theirs.open(BASH)
        take_mail(fleet)

        refused = command("answer", theirs.id, "allow")

        assert refused.returncode == 1
        assert f"--message-id {request}" in refused.stderr
        assert theirs.open_ids == [request]
    finally:
        theirs.end()


def test_a_dialog_whose_hook_has_ended_gets_no_message_in_its_place(
    command: Command, session: Session
) -> None:
    hook, _ = session.open(BASH)
    hook.kill()
    hook.wait()

    refused = command("answer", session.id, "allow")

    assert refused.returncode == 1
    assert f"worker-manager attach {session.id}" in refused.stderr
    assert letters_to(session.fleet, session.record) == []


def test_what_only_its_terminal_takes_is_said_without_a_command_that_would_be_refused(
    command: Command, mine: Fleet, repository: Path
) -> None:
    report = Report(message_id="m1", type=BLOCKED, text="A trust dialog.", at=now(), delivered=True)
    worker = recorded_worker(mine, repository, status=Status.BLOCKED, report=report)

    asked = command("answer", worker.id)

    assert asked.returncode == 1
    assert f"at its terminal only: worker-manager attach {worker.id}" in asked.stderr
    assert "Give it" not in asked.stderr
