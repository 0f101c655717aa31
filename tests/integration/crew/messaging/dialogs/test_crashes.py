"""Dialogs whose hook, session or sender is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.faults import actions
from tests.faults.injection import KILL, Outcome, at_every_step, run
from tests.integration.crew.messaging.dialogs.session import (
    BASH,
    WRITE,
    Session,
    decided,
    decision,
    kill,
    kinds,
    refused,
    said,
    settled,
)
from tests.support.scripted.workers import take_mail
from tests.support.waiting import wait_until
from worker_manager.crew.messaging import dialogs
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status
from worker_manager.hooks import delivery
from worker_manager.state.layout import mailbox_path, repository_of
from worker_manager.state.mail.mailbox import Mailbox


@pytest.mark.promise("dialog-crash")
def test_a_killed_hook_leaves_the_dialog_to_the_person_until_a_later_event(
    session: Session,
) -> None:
    hook, request = session.open(BASH)
    kill(hook)

    for _ in range(2):
        assert "left to the person" in refused(session.fleet, session.id, request_id=request)
    assert session.record.status is Status.BLOCKED
    session.hook("UserPromptSubmit", {"prompt": "x"})

    assert (session.record.status, session.open_ids) == (Status.RUNNING, [])
    assert kinds(session.fleet) == ["permission", "settled"]


@pytest.mark.promise("dialog-crash")
@pytest.mark.parametrize("done", ["", "claim", "claim.acknowledge()"])
def test_an_answer_that_a_killed_hook_did_not_give_is_told_of_and_never_shown(
    session: Session, done: str
) -> None:
    hook, request = session.open(BASH)
    os.kill(hook.pid, signal.SIGSTOP)
    errors: list[str] = []
    answering = threading.Thread(
        target=lambda: errors.append(refused(session.fleet, session.id, request_id=request))
    )
    answering.start()
    box = Mailbox(mailbox_path(session.home))
    wait_until(box.waiting)
    if done:
        claim_as_another(session.home, request, done)
    kill(hook)
    answering.join()

    assert "left to the person" in errors[0]
    assert delivery.take(session.home) is None
    assert session.hook("PostToolUse", WRITE) == ""
    assert box.waiting() == []
    assert session.open_ids == [request]


def claim_as_another(home: str, request: str, done: str) -> None:
    """Takes the answer in a process that then dies."""
    script = (
        "import os, sys; from worker_manager.crew.reporting import reports\n"
        f"claim = reports.take_answer(*sys.argv[1:]); assert claim; {done}; os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, home, request], check=True)


@pytest.mark.promise("dialog-crash")
def test_an_answer_whose_sender_and_hook_were_killed_is_told_of_by_whoever_looks_next(
    session: Session,
) -> None:
    hook, request = session.open(BASH)
    kill(hook)
    answer = decision(session, request)
    Mailbox(mailbox_path(session.home)).deliver(answer)

    assert delivery.take(session.home) is None
    session.fleet.reconcile()
    session.fleet.reconcile()

    letters = take_mail(session.fleet)
    assert [one.type for one in letters] == ["permission", "settled"]
    assert "was not given" in letters[1].body
    assert Mailbox(mailbox_path(session.home)).waiting() == []


@pytest.mark.promise("dialog-crash")
def test_an_answer_whose_sender_was_killed_is_given(session: Session) -> None:
    hook, request = session.open(BASH)

    Mailbox(mailbox_path(session.home)).deliver(decision(session, request))

    assert decided(hook) == {"behavior": "allow"}


@pytest.mark.promise("dialog-crash")
def test_an_answer_that_comes_after_the_persons_is_not_used_and_not_shown(
    session: Session,
) -> None:
    hook, request = session.open(BASH)
    session.show("busy")
    Mailbox(mailbox_path(session.home)).deliver(decision(session, request))

    assert "was not used" in settled(session, hook)
    assert session.hook("UserPromptSubmit", {"prompt": "x"}) == ""


@pytest.mark.promise("dialog-crash")
def test_when_claude_was_killed_its_hook_ends_and_the_worker_fails(session: Session) -> None:
    hook, _ = session.open(BASH)
    kill(session.claude)

    assert said(hook) == ""
    reports.ended(session.fleet.records, session.id, exit_code=137, screen="")

    assert session.open_ids == []
    assert kinds(session.fleet) == ["permission", "failed"]


@pytest.mark.promise("dialog-crash")
def test_the_dialogs_of_a_former_process_are_gone(session: Session) -> None:
    hook, _ = session.open(BASH)
    kill(hook)

    Path(session.home, "server").write_text(str(os.getpid()), "utf-8")
    session.hook("SessionStart", {"session_id": session.session_id, "source": "resume"})

    (letter,) = [one for one in take_mail(session.fleet) if one.type == "settled"]
    assert dialogs.RESTARTED in letter.body
    assert session.record.status is Status.RUNNING


@pytest.mark.promise("dialog-crash")
def test_an_end_that_was_told_before_a_crash_is_told_once(
    session: Session,
) -> None:
    hook, _ = session.open(BASH)
    kill(hook)

    def kill_at(step: int) -> Outcome:
        root = repository_of(session.home)
        return run(actions.close_dialogs, session.home, root=root, fault=KILL, at=step)

    # Each goes on with what the one before has left.
    killed = [outcome.killed for _, outcome in at_every_step(kill_at)]
    assert sum(killed) > 3

    session.hook("Stop")

    assert kinds(session.fleet) == ["permission", "settled"]
    assert session.open_ids == []
