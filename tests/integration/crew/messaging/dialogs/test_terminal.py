"""Dialogs that the person at the terminal answers, dismisses, or has to answer alone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.crew.messaging.dialogs.session import (
    ASK,
    BASH,
    Session,
    kill,
    kinds,
    refused,
    said,
    settled,
)
from tests.support.scripted.workers import take_mail
from worker_manager.crew.messaging import dialogs
from worker_manager.domain.worker import Status
from worker_manager.errors import InvalidInput
from worker_manager.hooks import permission_request
from worker_manager.hooks.permission_request import Dialog
from worker_manager.state.workers import requests


@pytest.fixture
def dialog(session: Session) -> Iterator[Dialog]:
    """One at the session's terminal, as its hook looks at it."""
    before = signal.getsignal(signal.SIGTERM)
    yield Dialog(session.claude.pid)
    signal.signal(signal.SIGTERM, before)


@pytest.mark.promise("dialog-terminal")
@pytest.mark.parametrize(
    ("event", "given"),
    [
        ("PostToolUse", BASH),
        ("PostToolUseFailure", BASH),
        ("UserPromptSubmit", {"prompt": "x"}),
        ("Stop", {}),
    ],
)
def test_a_hook_that_sees_the_worker_go_on_settles_its_dialog(
    session: Session, event: str, given: dict[str, Any]
) -> None:
    hook, request = session.open(BASH)

    session.hook(event, given)

    assert "answered or dismissed at its terminal" in settled(session, hook)
    assert "is over already" in refused(session.fleet, session.id, request_id=request)


@pytest.mark.promise("dialog-terminal")
def test_the_persons_answer_is_no_other_question(session: Session) -> None:
    hook, _ = session.open(ASK)
    answered = {**ASK["tool_input"], "answers": {"Which color?": "Red"}, "annotations": {}}

    session.hook("PostToolUse", {**ASK, "tool_input": answered})

    assert "at its terminal" in settled(session, hook)


@pytest.mark.promise("dialog-terminal")
def test_a_dialog_that_is_not_on_the_screen_any_more_is_settled(session: Session) -> None:
    hook, _ = session.open(BASH)

    session.show("busy")

    assert "at its terminal" in settled(session, hook)


@pytest.mark.promise("dialog-terminal")
def test_a_session_that_is_busy_between_two_dialogs_settles_none(
    session: Session, dialog: Dialog
) -> None:
    for _ in range(2):
        session.show("waiting")
        assert dialog.look() == permission_request.OPEN
        session.show("busy")
        assert dialog.look() == permission_request.UNSURE


@pytest.mark.promise("dialog-terminal")
def test_a_dismissed_dialog_is_settled_before_claude_code_kills_the_hook(
    session: Session, dialog: Dialog
) -> None:
    session.show("waiting")
    dialog.look()
    signal.raise_signal(signal.SIGTERM)
    session.show("idle")
    assert dialog.look() == permission_request.GONE  # at once: it has 1.4 s

    hook, _ = session.open(BASH)
    hook.terminate()
    session.show("idle")

    assert "at its terminal" in settled(session, hook)


@pytest.mark.promise("dialog-terminal")
def test_two_that_see_the_end_of_a_dialog_tell_it_once(session: Session) -> None:
    session.open(BASH)
    both = [session.start(event, BASH) for event in ("PostToolUse", "Stop")]
    for one in both:
        said(one)

    assert kinds(session.fleet).count("settled") == 1


@pytest.mark.promise("dialog-terminal")
def test_what_the_orchestrator_decided_is_not_settled_by_one_who_looks_late(
    session: Session,
) -> None:
    hook, request = session.open(BASH)
    (seen,) = requests.all_open(session.home)
    session.fleet.answer(session.id, "allow", request_id=request)
    said(hook)

    dialogs.close(session.fleet.records, session.id, seen, dialogs.AT_TERMINAL)

    assert kinds(session.fleet) == ["permission"]


@pytest.mark.promise("dialog-time")
def test_after_the_time_limit_only_the_person_can_answer(session: Session) -> None:
    hook, request = session.open(BASH, WORKER_MANAGER_PERMISSION_WAIT_SECONDS="1")
    assert said(hook) == ""
    take_mail(session.fleet)

    error = refused(session.fleet, session.id)

    assert "The dialog is left to the person, who answers it with: " in error
    assert f"worker-manager attach {session.id}" in error
    assert (session.record.status, session.open_ids) == (Status.BLOCKED, [request])
    session.hook("PostToolUse", BASH)
    assert kinds(session.fleet) == ["settled"]
    assert session.record.status is Status.RUNNING


def test_a_question_that_only_the_person_can_answer_takes_no_nudge(session: Session) -> None:
    hook, _ = session.open(ASK)
    kill(hook)

    with pytest.raises(InvalidInput, match="left to the person"):
        session.fleet.nudge(session.id, "Blue")
