"""The servers and hooks as a session has them: real processes, stdio, JSON on stdin."""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

import anyio
import pytest

from tests.support.scripted.hooks import hook_command
from tests.support.scripted.rehearsed import SOON, Boss, session
from tests.support.scripted.workers import HANG
from worker_manager.domain.message import Message
from worker_manager.state import orchestrators
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail.mailbox import Mailbox

pytestmark = pytest.mark.anyio

IDLE = '```steps\n[{"idle": 60}]\n```'


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("start_worker", {"title": " ", "task": "x"}, "Name the work in a few words"),
        ("start_worker", {"title": "t", "task": "x", "base_branch": "nope"}, "git branch --all"),
        ("nudge_worker", {"id": "12345678", "message": "x"}, "list_workers has the ids"),
        ("stop_worker", {"id": "../../x"}, "list_workers has the ids"),
    ],
)
async def test_an_error_reaches_the_model_with_the_next_step(
    repository: Path, tmux_socket: str, tool: str, arguments: dict[str, str], said: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        result = await boss.call_tool(tool, **arguments)

    assert result.is_error
    assert said in result.text


async def test_read_mail_shows_a_message_once_and_again_in_its_history(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        await boss.call_tool("start_worker", title="t", task='```steps\n[{"crash": 3}]\n```')
        with anyio.fail_after(SOON):
            told = await boss.wait_for_mail(SOON)
        again = await boss.call_tool("read_mail")
        history = await boss.call_tool("read_mail", history=True)

    assert told
    assert "exit code 3" in told
    assert again.text == "No mail waits."
    assert "exit code 3" in history.text


@pytest.mark.promise("end-deliberate")
@pytest.mark.parametrize(("reason", "stops"), [("prompt_input_exit", True), ("other", False)])
async def test_only_a_deliberate_end_stops_the_sessions_workers(
    repository: Path, tmux_socket: str, reason: str, stops: bool
) -> None:
    session_id = str(uuid.uuid4())
    async with session(repository, tmux_socket, session_id) as boss:
        await boss.call_tool("start_worker", title="t", task=HANG)
        await boss.end(reason)

    async with session(repository, tmux_socket, session_id) as resumed:
        statuses = await settled(resumed, wanted="stopped" if stops else "running")

    assert statuses == (["stopped"] if stops else ["running"])


async def settled(boss: Boss, *, wanted: str) -> list[str]:
    """The statuses once they are as wanted, or as they are after a long time."""
    deadline = time.monotonic() + SOON
    while True:
        listed = await boss.call_tool("list_workers")
        statuses = [worker["status"] for worker in listed.structured["workers"]]
        if statuses == [wanted] or time.monotonic() > deadline:
            return statuses
        await anyio.sleep(0.2)


async def test_a_worker_that_ends_silently_is_reminded_twice_and_then_told_of(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        started = await boss.call_tool("start_worker", title="t", task=IDLE)
        told = await boss.wait_for_mail(SOON)

    assert told
    assert re.search(r"\[stalled m\w+\] from worker " + started.structured["id"], told)


@pytest.mark.promise("mail-subagent")
def test_mail_stands_beside_a_tool_of_the_session_and_not_of_its_subagent(repository: Path) -> None:
    session_id = str(uuid.uuid4())
    home = orchestrators.open_home(state_root(), session_id, str(repository))
    letter = Message(
        id="m1", type="completion", sender="12345678", name="n", sent="now", body="DONE-1"
    )
    Mailbox(mailbox_path(home)).deliver(letter)

    def tool_used(**fields: str) -> str:
        return subprocess.run(
            hook_command("PostToolUse"),
            env={
                **os.environ,
                "WORKER_MANAGER_PYTHON": sys.executable,
                "CLAUDE_CODE_SESSION_ID": session_id,
            },
            input=json.dumps({"session_id": session_id, **fields}),
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert tool_used(agent_id="a1", agent_type="general-purpose") == ""
    assert "DONE-1" in tool_used()
