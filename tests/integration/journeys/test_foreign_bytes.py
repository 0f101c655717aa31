"""Names, contents and words that are no UTF-8, through all that leaves our processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tests.conftest import git, make_repository
from tests.support.scripted.rehearsed import SOON, Boss, session
from worker_manager.domain.message import Message
from worker_manager.rehearsal.session import ToolResult
from worker_manager.state import orchestrators
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail.mailbox import Mailbox

pytestmark = [pytest.mark.anyio, pytest.mark.promise("text-whole")]

#: As a name, a text or a branch in Latin-1.
CAFE = os.fsdecode(b"caf\xe9")
#: What the worker does, in octal for its shell.
_E = "\\351"
_WORK = f"""
printf 'mine {_E}\\n' > "$(printf 'caf{_E}')"
printf 'new\\n' > "$(printf 'new {_E}')"
git add . && git commit -q -m "$(printf 'Say {_E}')"
printf 'loose\\n' > "$(printf 'loose {_E}')"
git init -q "$(printf 'nested {_E}')"
"""


def task(*steps: object) -> str:
    return f"```steps\n{json.dumps(steps)}\n```"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A repository whose branch, file and content are in Latin-1."""
    place = make_repository(tmp_path / CAFE)
    git(place, "config", "core.quotepath", "false")
    git(place, "switch", "-q", "-c", f"main-{CAFE}")
    (place / CAFE).write_bytes(b"first\n")
    git(place, "add", ".")
    git(place, "commit", "-q", "-m", f"Add {CAFE}")
    return place


def clash(place: Path) -> None:
    """A commit of the person's at the same place."""
    (place / CAFE).write_bytes(b"yours \xe9\n")
    git(place, "commit", "-q", "-a", "-m", f"Mine {CAFE}")


def refusing_hook(place: Path) -> Path:
    hook = place / ".git" / "hooks" / "commit-msg"
    hook.write_bytes(b"#!/bin/sh\necho 'n\xe9in' >&2; exit 1\n")
    hook.chmod(0o755)
    return hook


async def completed(boss: Boss, *steps: object) -> str:
    started = await boss.call_tool("start_worker", title="t", task=task(*steps))
    assert not started.is_error, started.text
    with anyio.fail_after(SOON):
        while True:
            listed = await boss.call_tool("list_workers")
            standing = {one["id"]: one["status"] for one in listed.structured["workers"]}
            if standing[started.structured["id"]] == "completed":
                return str(started.structured["id"])
            await anyio.sleep(0.2)


async def test_each_tool_answers_in_a_repository_of_other_bytes(
    foreign: Path, tmux_socket: str
) -> None:
    heard: list[ToolResult] = []

    async with session(foreign, tmux_socket) as boss:

        async def call(tool: str, **arguments: object) -> ToolResult:
            heard.append(await boss.call_tool(tool, **arguments))
            return heard[-1]

        worker = await completed(boss, {"run": _WORK}, {"complete": "DONE"})
        await call("read_mail")
        for what in ("summary", "screen", "log", "diff", "result"):
            await call("read_worker", id=worker, what=what)
        hook = refusing_hook(foreign)
        hindered = await call("merge_worker", ids=[worker])
        hook.unlink()
        clash(foreign)
        conflict = await call("merge_worker", ids=[worker])
        git(foreign, "reset", "-q", "--hard", "HEAD~1")
        merged = await call("merge_worker", ids=[worker])
        kept = await call("clean_workers")
        await call("nudge_worker", id=worker, message="well done")
        await call("wait_for_workers", timeout_seconds=1)
        await call("stop_worker", id=worker, force=True)
        await call("restore_worker", id=worker)
        await call("stop_worker", id=worker, force=True)
        await call("answer_worker", id=worker, decision="allow")
        await call("adopt_workers", ids=[worker])
        await call("list_workers")

    assert "n?in" in hindered.text
    assert "yours ?" in conflict.text
    assert "is in main-caf?" in merged.text
    assert "nested" in kept.text
    said = json.dumps([(one.text, one.structured) for one in heard], ensure_ascii=False)
    assert said.encode("utf-8", "strict")


@pytest.mark.parametrize("encoding", ["latin-1:strict", "ascii:strict", "utf-8:strict"])
@pytest.mark.parametrize("event", ["FileChanged", "UserPromptSubmit", "PostToolUse", "Stop"])
def test_a_hook_hears_and_speaks_utf8_whatever_the_locale_is(
    tmp_path: Path, event: str, encoding: str
) -> None:
    home = orchestrators.open_home(state_root(), "session-1", str(tmp_path))
    body = f"caf\u00e9 \U0001f389 {CAFE}"
    letter = Message(id="m1", type="completion", sender="0" * 8, name=CAFE, sent="now", body=body)
    Mailbox(mailbox_path(home)).deliver(letter)
    given = '{"prompt": "caf\u00e9 \\ud800", "agent_id": ""}'.encode() + b"\n"

    done = subprocess.run(
        [sys.executable, "-m", "worker_manager", "--hook", event],  # -I would hide the variable
        input=given,
        env={
            **os.environ,
            "CLAUDE_CODE_SESSION_ID": "session-1",
            "CLAUDE_CODE_ENTRYPOINT": "cli",
            "PYTHONIOENCODING": encoding,
        },
        capture_output=True,
        check=False,
    )

    said = (done.stdout + done.stderr).decode("utf-8", "strict")
    assert "caf\u00e9 \U0001f389 caf?" in said
    assert not Path(state_root(), "logs", "hooks.log").exists()
