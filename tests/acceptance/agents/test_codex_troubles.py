"""What goes otherwise than it should, with the real Codex."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.codex.codex_lab import CodexLab, wait_for_status, wait_until_idle
from tests.support.codex.responses_api import (
    USAGE_LIMIT,
    Failure,
    ResponsesApi,
    Say,
    read_what_is_named,
    shell,
    tool,
)
from tests.support.waiting import wait_until
from worker_manager.agents.codex.hooks import EVENTS, review_command
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.messaging import wake
from worker_manager.crew.supervision import limits
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput
from worker_manager.runtimes.base import Presence
from worker_manager.state import sessions, usage_limit
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail.mailbox import Mailbox

pytestmark = [pytest.mark.agents, pytest.mark.all_agents, pytest.mark.timeout(400)]


@pytest.fixture(autouse=True)
def reading(model: ResponsesApi) -> None:
    """The model reads what its prompt names: the task, and letters."""
    model.on("says how you work", read_what_is_named)
    model.on("from your orchestrator.)", read_what_is_named)


def report_of(worker: Worker) -> str:
    """What it reported last."""
    assert worker.report is not None
    return worker.report.text


@pytest.mark.promise("codex-read")
def test_a_letter_whose_turn_met_the_usage_limit_is_read_when_that_is_over(
    crew: Fleet, codex: CodexLab, model: ResponsesApi
) -> None:
    model.on("W1 write", tool("ask", question="QUESTION-1?"))
    model.on("Your question is delivered", Say("I wait."))
    model.on("ANSWER-1", tool("complete", summary="DONE-1"))
    model.on("from your orchestrator.)", USAGE_LIMIT, times=1)
    worker = crew.start(StartRequest("Greet", "W1 write")).worker
    wait_for_status(crew, worker, Status.ASKING)
    wait_until_idle(crew, worker)

    crew.nudge(worker.id, "ANSWER-1 hello")
    blocked = wait_for_status(crew, worker, Status.BLOCKED)
    assert blocked.reason == limits.RATE_LIMIT
    assert "usage limit" in report_of(blocked)
    until = usage_limit.until(state_root(), "codex")
    assert until is not None
    assert usage_limit.until(state_root()) is None  # that of Claude Code
    assert abs(until - 4_000_000_000) < 60
    # Codex has taken the message, and failed: it waits again in the mailbox.
    mailbox = Mailbox(mailbox_path(crew.records.home(worker.id)))
    wait_until(mailbox.waiting)
    assert model.times_told("ANSWER-1") == 0

    usage_limit.note(state_root(), worker.id, 0.0, "codex")
    crew.supervisor.supervise_once()
    model.wait_for("ANSWER-1")
    wait_for_status(crew, worker, Status.COMPLETED)
    assert "The usage limit is over" in model.wait_for("ANSWER-1").new_text


@pytest.mark.promise("codex-resume")
def test_a_killed_worker_goes_on_with_its_conversation(
    crew: Fleet, codex: CodexLab, model: ResponsesApi
) -> None:
    model.on("W1 write", shell("sleep 600"))
    model.on("restored your session", read_what_is_named)
    model.on("Go on, RESTORED-1", tool("complete", summary="DONE-1"))
    worker = crew.start(StartRequest("Greet", "W1 write", model="gpt-6.2-sol")).worker
    model.wait_for("W1 write")
    (pid,) = sessions.attending(state_root(), crew.records.home(worker.id))
    wait_until(lambda: crew.transcript(worker))
    before = crew.transcript(worker)

    os.kill(pid, signal.SIGKILL)
    failed = wait_for_status(crew, worker, Status.FAILED)
    assert failed.exit_code == 137
    probe = crew.context.runtime.probe
    wait_until(lambda: probe([worker.handle])[worker.handle] is Presence.GONE)  # it reports first
    crew.restore(worker.id, "Go on, RESTORED-1")

    told = model.wait_for("RESTORED-1")
    wait_for_status(crew, worker, Status.COMPLETED)
    assert crew.transcript(worker) == before
    assert told.body["model"] == "gpt-6.2-sol"
    assert "W1 write" in str(told.body["input"])


@pytest.mark.promise("codex-person")
def test_a_repository_that_nobody_trusts_blocks_its_worker(
    crew: Fleet, codex: CodexLab, model: ResponsesApi
) -> None:
    codex.trust()
    worker = crew.start(StartRequest("Greet", "W1 write")).worker

    blocked = wait_for_status(crew, worker, Status.BLOCKED)

    assert blocked.reason == "trust dialog"
    assert "Start `codex` once in the main checkout" in report_of(blocked)
    # Codex itself notes what it found of its terminal there, and nothing else.
    assert "trust_level" not in (codex.home / "config.toml").read_text("utf-8")
    assert model.requests == []
    crew.stop(worker.id)


@pytest.mark.promise("codex-person")
def test_a_missing_login_blocks_its_worker(
    crew: Fleet, codex: CodexLab, model: ResponsesApi
) -> None:
    (codex.home / "config.toml").write_text("", "utf-8")
    worker = crew.start(StartRequest("Greet", "W1 write")).worker

    blocked = wait_for_status(crew, worker, Status.BLOCKED)

    assert blocked.reason == "login"
    assert "`codex login`" in report_of(blocked)
    crew.stop(worker.id)


@pytest.mark.promise("codex-esc")
def test_an_interrupted_worker_is_rung_for_at_its_terminal(
    crew: Fleet, codex: CodexLab, model: ResponsesApi
) -> None:
    model.on("W1 write", shell("sleep 600"))
    model.on("NUDGE-1", tool("complete", summary="DONE-1"))
    worker = crew.start(StartRequest("Greet", "W1 write")).worker
    model.wait_for("W1 write")
    wait_until(lambda: "esc to interrupt" in crew.screen(worker))

    crew.context.runtime.press(worker.handle, "Escape")
    wait_until_idle(crew, worker)
    outcome = crew.carry(*crew.nudge(worker.id, "NUDGE-1 go on"))

    # Its queue stands still until somebody has typed.
    assert outcome.channel in (wake.TYPED, wake.QUEUE), outcome
    model.wait_for("NUDGE-1")
    wait_for_status(crew, worker, Status.COMPLETED)


@pytest.mark.promise("codex-dialog")
def test_a_dialog_at_its_terminal_is_told_with_what_it_asks(
    crew: Fleet, codex: CodexLab, model: ResponsesApi
) -> None:
    asking = {"sandbox_permissions": "require_escalated", "justification": "REASON-1"}
    model.on("W1 write", shell("echo ALLOWED-1", **asking))
    model.on("Output:\nALLOWED-1", tool("complete", summary="DONE-1"))
    model.on("ALLOWED-1\\n", tool("complete", summary="DONE-1"))
    request = StartRequest("Greet", "W1 write", permission_mode="acceptEdits")
    worker = crew.start(request).worker

    blocked = wait_for_status(crew, worker, Status.BLOCKED)
    assert "REASON-1" in report_of(blocked)
    assert "$ echo ALLOWED-1" in report_of(blocked)
    assert f"attach {worker.id}" in report_of(blocked)

    with pytest.raises(InvalidInput, match="can be answered at its terminal only"):
        crew.answer(worker.id, "allow")

    crew.context.runtime.press(worker.handle, "y")
    wait_for_status(crew, worker, Status.COMPLETED)


def trust_our_hooks(crew: Fleet, codex: CodexLab, repository: Path) -> None:
    """As a person does: in a session of their own, by Codex's own dialog."""
    runtime, handle = crew.context.runtime, crew.context.runtime.handle_for("person")
    # Without a prompt: nothing is asked of the model.
    runtime.launch(
        handle, ["sh", "-c", f"exec {review_command()} --no-daemon"], cwd=str(repository)
    )
    wait_until(lambda: "Hooks need review" in runtime.screen(handle))
    runtime.press(handle, "2")
    runtime.press(handle, "Enter")
    config = codex.home / "config.toml"
    wait_until(lambda: config.read_text("utf-8").count("trusted_hash") == len(EVENTS))
    runtime.end(handle)


@pytest.mark.promise("codex-dialog")
def test_with_our_hooks_reviewed_once_mail_comes_mid_turn_and_permissions_are_answered(
    crew: Fleet, codex: CodexLab, model: ResponsesApi, repository: Path
) -> None:
    trust_our_hooks(crew, codex, repository)
    go = codex.home / "go"
    asking = {"sandbox_permissions": "require_escalated", "justification": "REASON-1"}
    model.on("W1 write", shell("echo ALLOWED-1", **asking))
    model.on("ALLOWED-1", shell(f"while [ ! -e {go} ]; do sleep 0.1; done; echo WAITED-1"))
    model.on("WAITED-1", tool("complete", summary="DONE-1"))
    request = StartRequest("Greet", "W1 write", permission_mode="acceptEdits")
    worker = crew.start(request).worker

    blocked = wait_for_status(crew, worker, Status.BLOCKED)
    assert "REASON-1" in report_of(blocked)
    assert blocked.report is not None
    crew.answer(worker.id, "allow", request_id=blocked.report.message_id)
    model.wait_for("ALLOWED-1")

    crew.nudge(worker.id, "NUDGE-1 hurry")
    go.touch()
    told = wait_until(
        lambda: next((one for one in model.requests if "NUDGE-1" in one.all_text), None)
    )
    assert "WAITED-1" in told.new_text
    wait_for_status(crew, worker, Status.COMPLETED)
    mailbox = Mailbox(mailbox_path(crew.records.home(worker.id)))
    wait_until(lambda: not (mailbox.waiting() or mailbox.pending()))


def test_a_model_that_nobody_knows_is_told_with_what_the_api_says(
    crew: Fleet, codex: CodexLab, model: ResponsesApi
) -> None:
    error = {"message": "The model `nope` does not exist", "code": "model_not_found"}
    model.on("says how you work", Failure(404, error))
    worker = crew.start(StartRequest("Greet", "W1 write", model="nope")).worker

    blocked = wait_for_status(crew, worker, Status.BLOCKED)

    assert "The model `nope` does not exist" in report_of(blocked)
    crew.stop(worker.id)


def test_without_a_worktree_of_its_own_it_writes_no_commit(
    crew: Fleet, codex: CodexLab, model: ResponsesApi, repository: Path
) -> None:
    model.on("W1 write", shell("echo hello > greeting.txt; git add -A; echo TRIED-1"))
    model.on("TRIED-1", tool("complete", summary="DONE-1"))
    worker = crew.start(StartRequest("Greet", "W1 write", use_worktree=False)).worker

    told = model.wait_for("TRIED-1")
    assert "index.lock" in told.new_text
    assert (repository / "greeting.txt").read_text("utf-8") == "hello\n"
    crew.stop(worker.id)


def test_the_read_only_sandbox_writes_nothing(
    crew: Fleet, codex: CodexLab, model: ResponsesApi
) -> None:
    model.on("W1 write", shell("echo hello > greeting.txt; ls -a; echo LISTED-1"))
    model.on("LISTED-1", tool("complete", summary="DONE-1"))
    request = StartRequest("Greet", "W1 write", permission_mode="plan")
    worker = crew.start(request).worker

    wait_for_status(crew, worker, Status.COMPLETED)
    assert "Read-only file system" in model.wait_for("LISTED-1").new_text
