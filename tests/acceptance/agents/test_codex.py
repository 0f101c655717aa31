"""A worker's life with the real Codex, whose model is scripted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.codex.codex_lab import CodexLab, wait_for_status, wait_until_idle
from tests.support.codex.responses_api import ResponsesApi, Say, read_what_is_named, shell, tool
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.messaging import wake
from worker_manager.domain.worker import Status
from worker_manager.state.layout import mailbox_path
from worker_manager.state.mail.mailbox import Mailbox

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]

#: Begins as an option, a command and a mention do.
TASK = "-W1 /status !ls @README write a greeting"


def _has_read_all(crew: Fleet, worker_id: str) -> bool:
    """Whether no letter to the worker waits, or waits for its receipt."""
    mailbox = Mailbox(mailbox_path(crew.records.home(worker_id)))
    return not (mailbox.waiting() or mailbox.pending())


@pytest.mark.promise("codex-job")
def test_the_main_job(crew: Fleet, codex: CodexLab, model: ResponsesApi) -> None:
    commit = "echo hello > greeting.txt && git add -A && git commit -qm Greet && echo COMMIT-1"
    model.on("says how you work", read_what_is_named)
    model.on("-W1 /status", tool("ask", question="Which greeting, QUESTION-1?"))
    model.on("Your question is delivered", Say("I wait."))
    model.on("from your orchestrator.)", read_what_is_named)
    model.on("ANSWER-1", shell(commit))
    model.on("COMMIT-1", tool("complete", summary="DONE-1"))
    model.on("NUDGE-1", tool("complete", summary="DONE-2"))
    worker = crew.start(StartRequest("Greet", TASK)).worker

    # The task arrives whole, and stands on no command line; neither does the mark.
    opening = model.wait_for(TASK)
    assert worker.mark in opening.new_text
    assert "tools.mcp__crew__complete" in opening.developer_text
    words = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in codex.processes()]
    assert any(worker.id.encode() in line for line in words)
    assert not any(worker.mark.encode() in line or b"-W1" in line for line in words)

    # `ask` answers at once, and the answer comes as a prompt of its queue.
    asked = wait_for_status(crew, worker, Status.ASKING)
    assert asked.report is not None
    assert "QUESTION-1" in asked.report.text
    wait_until_idle(crew, worker)
    outcome = crew.carry(*crew.nudge(worker.id, "ANSWER-1 hello"))
    assert (outcome.state, outcome.channel) in {
        (state, wake.QUEUE) for state in (wake.DELIVERED, wake.SEEN)
    }
    assert worker.mark in model.wait_for("ANSWER-1").new_text

    done = wait_for_status(crew, worker, Status.COMPLETED)
    assert "1 commit since" in done.evidence
    assert git(Path(worker.path), "show", "--format=%s", "--name-only") == "Greet\n\ngreeting.txt"

    # An idle worker is woken by a message; each was told once, and counts as read by now.
    wait_until_idle(crew, worker)
    crew.nudge(worker.id, "NUDGE-1 once more")
    model.wait_for("NUDGE-1")
    wait_for_status(crew, worker, Status.COMPLETED)
    wait_until(lambda: _has_read_all(crew, worker.id))
    assert (model.times_told("ANSWER-1"), model.times_told("NUDGE-1")) == (1, 1)

    usage = crew.usage(done)
    assert usage is not None
    assert usage.cost
    assert usage.read % 1000 == 0

    crew.stop(worker.id)
    wait_until(codex.has_ended, missing=lambda: f"left: {codex.processes()}")
