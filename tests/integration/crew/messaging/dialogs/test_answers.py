"""What a dialog asks, and what its answer becomes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.crew.messaging.dialogs.session import ASK, ASK_BOTH, BASH, Session, decided
from tests.support.scripted.hooks import hook_command
from tests.support.scripted.workers import take_mail
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain import message
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput
from worker_manager.hooks import delivery
from worker_manager.state import orchestrators
from worker_manager.state.layout import state_root
from worker_manager.text import rendering


@pytest.mark.promise("dialog-answer")
@pytest.mark.parametrize(
    ("decision", "reason", "answer"),
    [
        ("allow", "", {"behavior": "allow"}),
        (" Allow", "", {"behavior": "allow"}),
        ("deny", "no \U0001f389", {"behavior": "deny", "message": "no \U0001f389"}),
        ("deny", "", {"behavior": "deny", "message": "Your orchestrator denied this."}),
    ],
)
def test_a_permission_is_answered_as_the_orchestrator_decides(
    session: Session, decision: str, reason: str, answer: dict[str, str]
) -> None:
    hook, request = session.open(BASH)
    (letter,) = take_mail(session.fleet)
    blocked = session.record

    _, sent = session.fleet.answer(session.id, decision, reason=reason)

    assert (letter.type, letter.id) == ("permission", request)
    assert "permission to use Bash" in letter.body
    assert json.dumps(BASH["tool_input"], indent=1) in letter.body
    assert (blocked.status, blocked.reason) == (Status.BLOCKED, "permission: Bash")
    assert decided(hook) == answer
    assert sent.reply_to == request
    assert (session.record.status, session.open_ids) == (Status.RUNNING, [])
    assert take_mail(session.fleet) == []


LONG = {"tool_name": "Bash", "tool_input": {"command": "make " + "x" * 20_000 + "; rm -rf ~"}}


@pytest.mark.promise("secure-permission")
def test_what_was_shortened_is_allowed_only_by_who_has_read_its_end(session: Session) -> None:
    hook, request = session.open(LONG)
    claim = session.fleet.claim_mail(most=5)
    assert claim is not None
    shown = rendering.for_orchestrator(claim.messages, claim.files, claim.left)
    claim.acknowledge()

    with pytest.raises(InvalidInput) as caught:
        session.fleet.answer(session.id, "allow", request_id=request)
    for guess in ("", f"{request}-", f"{request}-0"):
        with pytest.raises(InvalidInput, match="too long to be shown whole"):
            session.fleet.answer(session.id, "allow", request_id=guess)

    (file,) = re.findall(r"Read (\S+) to its end", str(caught.value))
    last = Path(file).read_text("utf-8").splitlines()[-1]
    (allowed_as,) = re.findall(rf'message_id="({request}-\w+)"', last)
    assert last not in shown
    assert allowed_as not in shown
    session.fleet.answer(session.id, "allow", request_id=allowed_as)
    assert decided(hook) == {"behavior": "allow"}


@pytest.mark.promise("secure-permission")
@pytest.mark.parametrize(
    ("decision", "was_shown_whole", "behavior"), [("deny", False, "deny"), ("allow", True, "allow")]
)
def test_it_is_denied_unread_and_allowed_by_who_has_it_on_the_screen(
    session: Session, decision: str, was_shown_whole: bool, behavior: str
) -> None:
    hook, request = session.open(LONG)

    session.fleet.answer(session.id, decision, request_id=request, was_shown_whole=was_shown_whole)

    assert decided(hook)["behavior"] == behavior


@pytest.mark.promise("dialog-question")
@pytest.mark.parametrize(
    ("given", "text", "answers"),
    [
        (ASK, "blue", {"Which color?": "Blue"}),
        (ASK, "Neither.\nTake green.", {"Which color?": "Neither.\nTake green."}),
        (ASK_BOTH, "red\n\n  huge ", {"Which color?": "Red", "Which size?": "huge"}),
    ],
)
@pytest.mark.parametrize("by_nudge", [True, False])
def test_a_question_is_answered_with_a_label_or_a_text(
    session: Session, given: dict[str, Any], text: str, answers: dict[str, str], by_nudge: bool
) -> None:
    hook, request = session.open(given)
    (letter,) = take_mail(session.fleet)
    asking = session.record.status

    if by_nudge:
        session.fleet.nudge(session.id, text)
    else:
        session.fleet.answer(session.id, text)

    assert (letter.type, letter.id, asking) == ("question", request, Status.ASKING)
    assert "- Blue: cold" in letter.body
    updated = {**given["tool_input"], "answers": answers}
    assert decided(hook) == {"behavior": "allow", "updatedInput": updated}
    assert session.record.status is Status.RUNNING


def test_a_long_input_is_shown_in_part_and_its_file_holds_all_of_it(session: Session) -> None:
    content = "0123456789" * 5_000
    session.open({"tool_name": "Write", "tool_input": {"content": content}})
    owner = session.fleet.home

    shown = delivery.take(owner)

    assert shown is not None
    assert len(shown.text) < 8_000
    shown.acknowledge()
    file = shown.text.partition("All of it is in ")[2].partition("]")[0]
    assert content in Path(file).read_text("utf-8")


def test_a_completed_worker_that_asks_for_permission_is_told_of_and_stays_completed(
    session: Session,
) -> None:
    reports.complete(session.fleet.records, session.id, "done")
    hook, request = session.open(BASH)

    assert [one.type for one in take_mail(session.fleet)] == ["completion", "permission"]
    session.fleet.answer(session.id, "allow", request_id=request)

    assert decided(hook) == {"behavior": "allow"}
    assert session.record.status is Status.COMPLETED


@pytest.mark.promise("dialog-time")
def test_with_broken_settings_a_hook_waits_all_the_same(session: Session, repository: Path) -> None:
    (repository / "worker-manager.toml").write_text("nonsense", "utf-8")
    hook, request = session.open(BASH)

    session.fleet.answer(session.id, "allow", request_id=request)

    assert decided(hook) == {"behavior": "allow"}


def test_an_orchestrators_own_dialog_is_left_alone(
    fleet: Fleet, repository: Path, tmp_path: Path
) -> None:
    used = tmp_path / "used"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ntouch {used}\nexec {sys.executable} "$@"\n', "utf-8")
    python.chmod(0o755)
    orchestrators.open_home(state_root(), "session-1", str(repository))
    environ = {
        **os.environ,
        "CLAUDE_CODE_SESSION_ID": "session-1",
        "WORKER_MANAGER_PYTHON": str(python),
    }
    command = hook_command("PermissionRequest")

    def run(**more: str) -> str:
        return subprocess.run(
            command,
            env={**environ, **more},
            input=json.dumps(BASH),
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert run() == ""
    assert not used.exists()
    # A session that a worker starts for itself inherits its environment.
    assert run(WORKER_MANAGER_WORKER_ID="12345678") == ""
    assert not Path(state_root(), "logs").exists()
    assert take_mail(fleet) == []


def test_a_stopped_worker_opens_no_dialog(session: Session) -> None:
    records = session.fleet.records
    records.update(session.id, Worker.request_stop)
    reports.ended(records, session.id, exit_code=0, screen="")

    assert session.hook("PermissionRequest", BASH) == ""
    assert take_mail(session.fleet) == []


def test_a_nudge_to_a_blocked_worker_answers_no_dialog(session: Session) -> None:
    hook, _ = session.open(BASH)

    _, sent = session.fleet.nudge(session.id, "allow")

    assert (sent.type, hook.poll()) == (message.NUDGE, None)
