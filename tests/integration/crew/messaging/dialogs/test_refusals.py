"""Answers that are refused, and decide nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import make_fleet
from tests.integration.crew.messaging.dialogs.session import (
    ASK,
    ASK_BOTH,
    BASH,
    Session,
    decided,
    decision,
    refused,
)
from tests.support.scripted.workers import take_mail
from worker_manager.crew.reporting import reports
from worker_manager.errors import WorkerFinished, WorkerNotFound
from worker_manager.state.layout import mailbox_path
from worker_manager.state.mail.mailbox import Mailbox


@pytest.mark.promise("dialog-answer")
@pytest.mark.parametrize(
    ("given", "decision", "more", "said"),
    [
        (BASH, "yes", {}, "There is no decision 'yes'. Choose allow or deny."),
        (BASH, "allow", {"reason": "why"}, "A message goes with deny only"),
        (BASH, "allow", {"request_id": "m000000000000"}, "has no open dialog 'm000000000000'"),
        (ASK, " ", {}, "The answer is empty"),
        (ASK_BOTH, "Red", {}, "asked 2 questions, and you gave 1 lines"),
    ],
)
def test_a_wrong_answer_says_what_is_wrong_and_decides_nothing(
    session: Session, given: dict[str, Any], decision: str, more: dict[str, str], said: str
) -> None:
    hook, request = session.open(given)
    take_mail(session.fleet)

    assert said in refused(session.fleet, session.id, decision, **more)
    assert hook.poll() is None
    assert session.open_ids == [request]


def test_without_a_dialog_there_is_nothing_to_answer(session: Session) -> None:
    assert "(running) has no open dialog. list_workers" in refused(session.fleet, session.id)
    reports.ask(session.fleet.records, session.id, "tea?")
    assert "answer with nudge_worker" in refused(session.fleet, session.id)


@pytest.mark.promise("owner-apart")
def test_nobody_answers_for_another_sessions_worker(
    session: Session, repository: Path, tmux_socket: str
) -> None:
    other = make_fleet(repository, tmux_socket, "session-2")
    hook, _ = session.open(BASH)

    with pytest.raises(WorkerNotFound):
        other.answer(session.id, "allow")
    assert hook.poll() is None


def test_an_ended_worker_takes_no_answer(session: Session) -> None:
    reports.ended(session.fleet.records, session.id, exit_code=1, screen="")
    with pytest.raises(WorkerFinished):
        session.fleet.answer(session.id, "allow")


@pytest.mark.promise("dialog-answer")
def test_what_was_not_seen_yet_is_not_allowed_by_chance(session: Session) -> None:
    hook, request = session.open(BASH)

    assert "Look at read_mail first, then answer" in refused(session.fleet, session.id)
    assert hook.poll() is None
    session.fleet.answer(session.id, "allow", request_id=request)
    assert decided(hook) == {"behavior": "allow"}


def test_an_answer_can_be_given_once(session: Session) -> None:
    hook, request = session.open(BASH)
    session.fleet.answer(session.id, "deny", request_id=request)

    said = refused(session.fleet, session.id, "allow", request_id=request)

    assert said == f"You have answered {request} already."
    assert decided(hook)["behavior"] == "deny"


def test_a_second_answer_is_refused_while_the_first_is_not_taken_yet(session: Session) -> None:
    hook, request = session.open(BASH)
    os.kill(hook.pid, signal.SIGSTOP)
    Mailbox(mailbox_path(session.home)).deliver(decision(session, request))

    said = refused(session.fleet, session.id, "deny", request_id=request)
    os.kill(hook.pid, signal.SIGCONT)

    assert said == f"You have answered {request} already."
    assert decided(hook) == {"behavior": "allow"}
