"""An orchestrator and its workers in the lab, as the acceptance tests script them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.claude_session import Session
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import call
from tests.support.claude.requests import Request
from tests.support.waiting import WAIT_SECONDS, wait_until

#: What the tools of our server are called.
CREW = "mcp__plugin_worker-manager_crew__"
#: Arguments of claude with which nobody is asked for anything.
AUTONOMOUS = (
    "--permission-mode",
    "bypassPermissions",
    "--settings",
    json.dumps({"skipDangerousModePermissionPrompt": True, "tui": "default"}),
)


def home_of(lab: ClaudeLab, session_id: str) -> Path:
    """The home of a session, through its link."""
    return lab.state_home / "worker-manager" / "sessions" / session_id


def server_pid(lab: ClaudeLab, session_id: str) -> int:
    """The process of the session's server that has listed its tools; 0 when there is none."""
    file = home_of(lab, session_id) / "server"
    return int(file.read_text("utf-8")) if file.exists() else 0


def start_boss(lab: ClaudeLab, name: str = "BOSS", *, cwd: Path | None = None) -> Session:
    """An orchestrator session, idle, with its server up."""
    session = lab.start(*AUTONOMOUS, prompt=f"{name} hello", cwd=cwd)
    session.wait_for_first_turn()
    return _with_its_server(session, session.session_id, 0)


def resume_boss(lab: ClaudeLab, session_id: str) -> Session:
    """The session of that id in a new process, idle, with a server of its own."""
    before = server_pid(lab, session_id)
    return _with_its_server(lab.start("--resume", session_id, *AUTONOMOUS), session_id, before)


def fork_boss(lab: ClaudeLab, api: MessagesApi, session_id: str, name: str) -> Session:
    """A fork of the session of that id, called `name`, idle, with its server up."""
    session = lab.start("--resume", session_id, "--fork-session", *AUTONOMOUS)
    api.name_session_id(name, session.session_id)
    return _with_its_server(session, session.session_id, 0)


def _with_its_server(session: Session, session_id: str, former: int) -> Session:
    wait_for_server(session.lab, session_id, former)
    session.wait_for_status("idle")
    return session


def wait_for_server(lab: ClaudeLab, session_id: str, former: int) -> None:
    """Wait until the session has another server than the former one."""
    wait_until(
        lambda: server_pid(lab, session_id) != former,
        2 * WAIT_SECONDS,  # the first start builds an environment
        lambda: "our server has not listed its tools",
    )


def start_worker(api: MessagesApi, boss: str, marker: str) -> Callable[[Request], bool]:
    """Has the model of `boss` start a worker at the prompt `start MARKER`."""
    arguments = {"title": f"Greet {marker}", "task": f"{marker} write a greeting"}
    api.on(boss, f"^start {marker}", call(f"{CREW}start_worker", **arguments))
    return lambda request: f"Greet {marker}" in request.new_text


def report_when(api: MessagesApi, marker: str, go: Path) -> None:
    """Has the worker with this marker wait for the file `go`, then report DONE-MARKER."""
    worker = f"worker {marker}"
    api.name_session(worker, first_prompt=f"{marker} write")
    wait = f"while [ ! -e {go} ]; do sleep 0.1; done"
    api.on(worker, f"{marker} write", call("Bash", command=wait, description="Wait"))
    api.on(worker, "", call(f"{CREW}complete", summary=f"DONE-{marker}"))


def worker_id(request: Request) -> str:
    """The id in start_worker's answer."""
    found = re.search(r"Worker ([0-9a-f]{8}) ", request.new_text)
    assert found, request.new_text
    return found[1]


def script_boss_and_worker(api: MessagesApi) -> None:
    """Names "boss" and "worker"; at the prompt `start W1` the boss starts the worker."""
    api.name_session("boss", first_prompt="^BOSS")
    api.name_session("worker", first_prompt="W1 write")
    start_worker(api, "boss", "W1")


def boss_at_work(
    lab: ClaudeLab, api: MessagesApi, *markers: str
) -> tuple[Session, list[str], list[Path]]:
    """An orchestrator "boss" and for each marker a worker that waits, then reports DONE-MARKER.

    Its session, the ids of the workers, and the files that let them go on.
    """
    files = [lab.root / f"go-{marker}" for marker in markers]
    api.name_session("boss", first_prompt="^BOSS")
    for marker, go in zip(markers, files, strict=True):
        report_when(api, marker, go)
    session = start_boss(lab)
    return session, [_put_to_work(api, session, marker) for marker in markers], files


def _put_to_work(api: MessagesApi, session: Session, marker: str) -> str:
    """Starts a worker that waits for the file of `report_when`; its id."""
    start_worker(api, "boss", marker)
    before = api.requests("boss")[-1]
    session.type(f"start {marker}")
    started = api.wait_for_request("boss", r"Worker [0-9a-f]{8} ", after=before)
    api.wait_for_request(f"worker {marker}")
    session.wait_for_status("idle")
    return worker_id(started)


def _mail_in(lab: ClaudeLab, session_id: str, folder: str) -> list[Path]:
    """The messages in a folder of the session's mailbox."""
    return list((home_of(lab, session_id) / "mail" / folder).rglob("*.mail"))


def wait_for_mail(lab: ClaudeLab, session_id: str, count: int, folder: str = "new") -> None:
    """Waits until so many messages lie there."""
    wait_until(
        lambda: len(_mail_in(lab, session_id, folder)) == count,
        missing=lambda: f"in {folder}: {_mail_in(lab, session_id, folder)}",
    )
