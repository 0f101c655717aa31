"""Calls that last longer than Claude Code listens to them: one life, at any pace."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.claude_session import Session
from tests.support.claude.crew import CREW, home_of, start_boss
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import call
from tests.support.claude.requests import Request
from worker_manager.agents.claude.patience import SETTING
from worker_manager.state import process_identity

#: What the model reads of a call to which nobody listens any more.
MOVED = "moved to the background"
OF_THE_SYSTEM = "NOT USER INPUT"


def listen_for(lab: ClaudeLab, milliseconds: int) -> None:
    """Has all sessions of the lab listen to a call for so long only, as far as it is the person's
    own settings that say it: they count before the environment.
    """
    settings = lab.home / ".claude" / "settings.json"
    chosen = json.loads(settings.read_text("utf-8")) if settings.exists() else {}
    chosen["env"] = {SETTING: str(milliseconds)}
    settings.write_text(json.dumps(chosen), "utf-8")


def live(lab: ClaudeLab, api: MessagesApi, seconds: float) -> dict[str, float]:
    """A wait for all workers, in which a question comes after `seconds`; an answer that takes as
    long, and checks that do. How long each call took, in seconds.
    """
    asking = lab.root / "asking"
    took: dict[str, float] = {}
    _script(api, asking, seconds)
    session = start_boss(lab)
    session.type("start W1")
    started = api.wait_for_request("boss", r"Worker [0-9a-f]{8} ")
    worker = re.findall(r"Worker ([0-9a-f]{8}) ", started.new_text)[0]
    api.wait_for_request("worker")
    session.wait_for_status("idle")

    waiting = {"until": "all", "timeout_seconds": max(60, 2 * seconds)}
    api.on("boss", "^wait", call(f"{CREW}wait_for_workers", **waiting))
    session.type("wait for it")
    began = api.wait_for_request("boss", "^wait")
    time.sleep(seconds)
    asking.touch()
    asked = api.wait_for_request("boss", "QUESTION-1")
    over = next(one for one in api.requests("boss") if one.number > began.number)
    took["wait_for_workers"] = over.arrived - began.arrived
    took["question after it was asked"] = asked.arrived - asking.stat().st_mtime
    session.wait_for_status("idle")

    time.sleep(seconds)
    api.on("boss", "^answer", call(f"{CREW}nudge_worker", id=worker, message="ANSWER-1"))
    session.type("answer it")
    given = api.wait_for_request("worker", "ANSWER-1")
    assert "Your orchestrator answers" in given.new_text
    took["ask"] = given.arrived - asking.stat().st_mtime

    # As an older server would leave it: a call that nobody listens to any more.
    _open_call(lab, session)
    done = api.wait_for_request("worker", "Delivered to your orchestrator", seconds + 60)
    took["complete"] = done.arrived - given.arrived
    told = api.wait_for_request("boss", "DONE-1")
    took["completion after it was made"] = told.arrived - done.arrived
    session.wait_for_status("idle")
    _nothing_was_moved([*api.requests("boss"), *api.requests("worker")])
    assert OF_THE_SYSTEM not in given.new_text + done.new_text
    for text in ("QUESTION-1", "DONE-1"):
        told_in = api.requests_with_new("boss", text)
        assert len(told_in) == 1, [one.new_text for one in told_in]
    return took


def _script(api: MessagesApi, asking: Path, seconds: float) -> None:
    api.name_session("boss", first_prompt="^BOSS")
    api.name_session("worker", first_prompt="W1 write")
    started = {"title": "Greet W1", "task": "W1 write", "checks": [f"sleep {seconds:g}"]}
    api.on("boss", "^start W1", call(f"{CREW}start_worker", **started))
    wait = f"while [ ! -e {asking} ]; do sleep 0.1; done"
    long = int(1_000 * (seconds + 60))
    api.on("worker", "W1 write", call("Bash", command=wait, description="Wait", timeout=long))
    api.on("worker", "", call(f"{CREW}ask", question="QUESTION-1"))
    api.on("worker", "ANSWER-1", call(f"{CREW}complete", summary="DONE-1"))


def _open_call(lab: ClaudeLab, session: Session) -> None:
    session.wait_for_status("idle")
    folder = home_of(lab, session.session_id) / "waits"
    (folder / f"{process_identity.identity(os.getpid())}.0123abcd").touch()


def _nothing_was_moved(requests: list[Request]) -> None:
    # The first start loads what it needs, which may take as long as a short limit.
    ours = re.compile(rf"crew/(ask|complete|wait_for_workers)\" is still running.*{MOVED}")
    moved = [one.new_text for one in requests if ours.search(one.new_text)]
    assert moved == [], moved
