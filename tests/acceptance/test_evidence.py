"""A worker's checks and the guard of the main checkout, with the real Claude Code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import CREW, start_boss
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import Reply, call

pytestmark = [pytest.mark.claude, pytest.mark.newest_claude]


@pytest.mark.promise("guard-checkout", "check-first", "evidence")
def test_a_write_to_the_main_checkout_is_refused_and_a_failed_check_tried_again(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    api.name_session("boss", first_prompt="^BOSS")
    api.name_session("worker", first_prompt="W1 write")
    given = {
        "title": "Greet W1",
        "task": "W1 write a greeting",
        "checks": ["grep hello greeting.txt || { echo NO-HELLO; false; }"],
    }
    api.on("boss", "^start W1", call(f"{CREW}start_worker", **given))
    astray = crew.repository / "astray.txt"
    # Nobody is asked in this mode, and still the guard's word counts.
    api.on("worker", "W1 write", call("Write", file_path=str(astray), content="x"))
    api.on("worker", f"would change {astray}", bash(f"echo x > {astray}"))
    api.on("worker", f"would change {astray}", bash("echo bye > greeting.txt && echo WROTE"))
    api.on("worker", "WROTE", call(f"{CREW}complete", summary="DONE-0"))
    api.on("worker", "Nothing is committed", call(f"{CREW}complete", summary="DONE-0"))
    commit = "echo hello > greeting.txt && git add -A && git commit -qm Greet && echo COMMITTED"
    api.on("worker", "NO-HELLO", bash(commit))
    api.on("worker", "COMMITTED", call(f"{CREW}complete", summary="DONE-1 greeted"))
    session = start_boss(crew)
    session.type("start W1")

    opening = api.wait_for_request("worker")
    refused = api.wait_for_request("worker", f"would change {astray}")
    again = api.wait_for_request("worker", f"would change {astray}", after=refused)
    failed = api.wait_for_request("worker", "1 of 1 checks failed", after=again)
    told = api.wait_for_request("boss", "DONE-1")

    worker = crew.wait_for_session(lambda state: state["sessionId"] == opening.session_id)
    assert f"change {worker.state['cwd']}/astray.txt instead" in refused.new_text
    assert not astray.exists()
    assert "NO-HELLO" in failed.new_text
    assert "Checks: 1 of 1 passed" in told.new_text
    assert "1 commit since" in told.new_text
    assert "greeting.txt | 1 +" in told.new_text
    assert f"Outside of its worktree it was refused to change: {astray}." in told.new_text
    assert api.times_told("boss", "DONE-0") == 0
    assert Path(str(worker.state["cwd"]), "greeting.txt").read_text("utf-8") == "hello\n"


def bash(command: str) -> Reply:
    return call("Bash", command=command, description="Work")
