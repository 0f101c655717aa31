"""Dialogs that no PermissionRequest hook knows of: Claude Code's Notification tells of them."""

from __future__ import annotations

import io
import json
import sys

import pytest

from tests.integration.crew.messaging.dialogs.session import Session
from tests.support.scripted.workers import take_mail
from worker_manager.domain.worker import Status
from worker_manager.hooks import notification

DIALOG = {"notification_type": "permission_prompt", "message": "Claude needs your permission"}


def test_a_dialog_that_stands_there_is_told(session: Session) -> None:
    session.show("waiting")

    assert session.hook("Notification", DIALOG) == ""

    (letter,) = take_mail(session.fleet)
    assert (letter.type, session.record.status) == ("blocked", Status.BLOCKED)
    assert DIALOG["message"] in letter.body


def test_a_dialog_that_was_just_answered_is_not_told(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.show("waiting")
    for name, value in session.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(DIALOG).encode())))

    notification.run(lambda: session.show("busy"))  # while it waits for its second look

    assert (take_mail(session.fleet), session.record.status) == ([], Status.RUNNING)


@pytest.mark.parametrize("kind", ["idle_prompt", "auth_success"])
def test_other_notifications_are_none_of_ours(session: Session, kind: str) -> None:
    session.show("waiting")

    session.hook("Notification", {**DIALOG, "notification_type": kind})

    assert (take_mail(session.fleet), session.record.status) == ([], Status.RUNNING)
