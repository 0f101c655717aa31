"""An orchestrator and its workers in the lab, as the acceptance tests script them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.support.claude_lab import ClaudeLab, Session, wait_until
from tests.support.messages_api import MessagesApi, Request, call

#: What the tools of our server are called.
CREW = "mcp__plugin_worker-manager_crew__"
#: Arguments of claude with which nobody is asked for anything.
AUTONOMOUS = (
    "--permission-mode",
    "bypassPermissions",
    "--settings",
    json.dumps({"skipDangerousModePermissionPrompt": True, "tui": "default"}),
)


def start_boss(lab: ClaudeLab, name: str = "BOSS", *, cwd: Path | None = None) -> Session:
    """An orchestrator session, idle, with its server up."""
    session = lab.start(*AUTONOMOUS, prompt=f"{name} hello", cwd=cwd)
    session.wait_for_first_turn()
    server = lab.state_home / "worker-manager" / "sessions" / session.session_id / "server"
    wait_until(server.exists, 60, lambda: "our server has not listed its tools")
    session.wait_for_status("idle")
    return session


def start_worker(api: MessagesApi, boss: str, marker: str) -> Callable[[Request], bool]:
    """Has the model of `boss` start a worker at the prompt `start MARKER`."""
    arguments = {"title": f"Greet {marker}", "task": f"{marker} write a greeting"}
    api.on(boss, f"^start {marker}", call(f"{CREW}start_worker", **arguments))
    return lambda request: f"Greet {marker}" in request.new_text


def worker_id(request: Request) -> str:
    """The id in start_worker's answer."""
    found = re.search(r"Worker ([0-9a-f]{8}) ", request.new_text)
    assert found, request.new_text
    return found[1]
