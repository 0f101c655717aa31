"""Several dialogs at once, or one beside an ask."""

from __future__ import annotations

import pytest

from tests.integration.crew.messaging.dialogs.session import BASH, WRITE, Session, decided, refused
from tests.support.scripted.workers import take_mail
from worker_manager.crew.reporting import reports
from worker_manager.domain import message
from worker_manager.domain.worker import Status
from worker_manager.state.mail import awaited_answer
from worker_manager.views import announcements


@pytest.mark.promise("dialog-several")
def test_two_dialogs_have_an_id_each_and_the_worker_waits_for_both(session: Session) -> None:
    first, first_id = session.open(BASH)
    second, second_id = session.open({**WRITE, "agent_id": "a1"})
    letters = take_mail(session.fleet)

    assert "A subagent of it asks" in letters[1].body
    said = refused(session.fleet, session.id)
    assert f"waits for 2 answers: {first_id} (permission: Bash), {second_id}" in said
    session.fleet.answer(session.id, "deny", request_id=second_id)
    between, said_between = session.record, announcements.answered(session.fleet, session.record)
    session.fleet.answer(session.id, "allow")

    assert (between.status, between.reason) == (Status.BLOCKED, "permission: Bash")
    assert "has your answer, and is still blocked (permission: Bash)" in said_between
    assert "goes on with your answer" in announcements.answered(session.fleet, session.record)
    assert decided(second)["behavior"] == "deny"
    assert decided(first)["behavior"] == "allow"
    assert session.record.status is Status.RUNNING


@pytest.mark.promise("dialog-several")
def test_of_two_dialogs_that_ask_for_the_same_only_the_first_was_answered(
    session: Session,
) -> None:
    session.open(BASH)
    _, second = session.open(BASH)

    session.hook("PostToolUse", BASH)

    assert session.open_ids == [second]


@pytest.mark.promise("dialog-several")
def test_the_end_of_a_turn_leaves_a_subagents_dialog_open(session: Session) -> None:
    _, of_subagent = session.open({**BASH, "agent_id": "a1"})
    session.hook("PostToolUse", BASH)
    session.hook("UserPromptSubmit", {"prompt": "x"})
    assert session.open_ids == [of_subagent]

    session.hook("PostToolUse", {**BASH, "agent_id": "a1"})

    assert session.open_ids == []


@pytest.mark.promise("dialog-several")
def test_a_message_still_answers_the_ask_that_waits_beside_a_dialog(session: Session) -> None:
    with awaited_answer.waiting_for_answer(session.home) as waiting_for:
        asked = reports.ask(session.fleet.records, session.id, "tea?")
        waiting_for(asked.message_id)
        session.open(BASH)

        _, sent = session.fleet.nudge(session.id, "yes")

    assert (sent.type, sent.reply_to) == (message.ANSWER, asked.message_id)
