"""A worker's session without claude, and the words in which tests speak of its dialogs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.scripted.hooks import hook_command
from tests.support.scripted.workers import take_mail
from tests.support.waiting import WAIT_SECONDS, wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers
from worker_manager.domain import message as messages
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import WorkerManagerError
from worker_manager.state.locking import exclusive
from worker_manager.state.workers import requests
from worker_manager.state.workers.records import now
from worker_manager.text.rendering import for_models

BASH = {"tool_name": "Bash", "tool_input": {"command": "make", "description": "Build"}}
WRITE = {"tool_name": "Write", "tool_input": {"file_path": "/x", "content": "y"}}
QUESTION: dict[str, Any] = {
    "question": "Which color?",
    "header": "Color",
    "multiSelect": False,
    "options": [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}],
}
ASK = {"tool_name": "AskUserQuestion", "tool_input": {"questions": [QUESTION]}}
BOTH = [QUESTION, {**QUESTION, "question": "Which size?"}]
ASK_BOTH = {"tool_name": "AskUserQuestion", "tool_input": {"questions": BOTH}}


class Session:
    """A worker's session without claude: a process in its place, its session file, its hooks."""

    def __init__(self, fleet: Fleet, worker: Worker) -> None:
        self.fleet, self.id, self.session_id = fleet, worker.id, worker.session_id
        self.home = fleet.records.home(worker.id)
        self.claude = subprocess.Popen(["sleep", "1000"])
        self.hooks: list[subprocess.Popen[str]] = []
        self.show("busy")

    def show(self, status: str) -> None:
        """What Claude Code writes into the file about its process."""
        folder = Path(os.environ["HOME"], ".claude", "sessions")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.claude.pid}.json").write_text(json.dumps({"status": status}), "utf-8")

    @property
    def environ(self) -> dict[str, str]:
        """What Claude Code and we tell its hooks."""
        return {
            "WORKER_MANAGER_PYTHON": sys.executable,
            "WORKER_MANAGER_WORKER_ID": self.id,
            "CLAUDE_CODE_SESSION_ID": self.session_id,
            "CLAUDE_CODE_ENTRYPOINT": "cli",
            "CLAUDE_PID": str(self.claude.pid),
        }

    def start(self, event: str, given: dict[str, Any], **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            hook_command(event),
            env={**os.environ, **self.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(given))
        process.stdin.close()
        self.hooks.append(process)
        return process

    def hook(self, event: str, given: dict[str, Any] | None = None) -> str:
        """Runs a hook to its end; its output."""
        return said(self.start(event, given or {}))

    def open(self, given: dict[str, Any], **environ: str) -> tuple[subprocess.Popen[str], str]:
        """Opens a dialog; its hook, which waits, and its message's id."""
        before = set(self.open_ids)
        self.show("waiting")  # it looks at its dialog before it tells of it
        process = self.start("PermissionRequest", given, **environ)
        wait_until(lambda: self.record.report and set(self.open_ids) - before)
        (new,) = set(self.open_ids) - before
        owner = reports.owner_mailbox(self.fleet.records, self.record)
        wait_until(lambda: owner.contains(new))
        with exclusive(reports.report_lock(self.fleet.records, self.id)):
            return process, new  # it has told, and holds no lock any more

    @property
    def open_ids(self) -> list[str]:
        return [one.id for one in requests.all_open(self.home)]

    @property
    def record(self) -> Worker:
        return self.fleet.worker(self.id)

    def end(self) -> None:
        for process in (self.claude, *self.hooks):
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    output = process.stdout.read()
    assert process.wait(WAIT_SECONDS) == 0
    return output


def decided(process: subprocess.Popen[str]) -> dict[str, Any]:
    answer = json.loads(said(process))["hookSpecificOutput"]
    assert answer.pop("hookEventName") == "PermissionRequest"
    return dict(answer["decision"])


def kinds(fleet: Fleet) -> list[str]:
    return [message.type for message in take_mail(fleet)]


def refused(fleet: Fleet, worker_id: str, decision: str = "allow", **more: str) -> str:
    with pytest.raises(WorkerManagerError) as caught:
        fleet.answer(worker_id, decision, **more)
    return for_models(caught.value.text)


def settled(session: Session, hook: subprocess.Popen[str]) -> str:
    """The letter that says how the dialog ended; its hook has ended in silence."""
    assert said(hook) == ""
    assert (session.record.status, session.open_ids) == (Status.RUNNING, [])
    (letter,) = [one for one in take_mail(session.fleet) if one.type == "settled"]
    return letter.body


def kill(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait()


def decision(session: Session, request: str) -> Message:
    return Message(
        id=identifiers.message_id_of(f"{request} decision"),
        type=messages.DECISION,
        sender=session.fleet.owner,
        name="orchestrator",
        sent=now(),
        body=json.dumps({"behavior": "allow"}),
        reply_to=request,
    )
