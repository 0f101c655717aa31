"""The plugin as Claude Code and the model see it, installed from a git marketplace.

The assertions look at what the model was really sent. Nobody types but where a test says so.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import (
    AUTONOMOUS,
    CREW,
    boss_at_work,
    script_boss_and_worker,
    start_boss,
    worker_id,
)
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import Reply, call, say
from tests.support.claude.requests import Request
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.claude]

#: What a package installer may need on a machine like this one.
SETUP = ("PIP_", "UV_", "SSL_", "HTTP", "http", "NO_PROXY", "no_proxy", "REQUESTS_")


def test_the_main_job(crew: ClaudeLab, api: MessagesApi) -> None:
    script_boss_and_worker(api)
    commit = "echo hello > greeting.txt && git add -A && git commit -qm Greet"
    api.on("worker", "W1 write", call(f"{CREW}ask", question="Which greeting, QUESTION-1?"))
    api.on("worker", "ANSWER-1", call("Bash", command=commit, description="Commit"))
    api.on(
        "worker",
        lambda r: "ANSWER-1" not in r.new_text and bool(r.latest),
        call(f"{CREW}complete", summary="DONE-1 greeted"),
    )
    session = start_boss(crew)
    session.type("start W1")

    listed = api.wait_for_request("boss", "^start W1")
    offered = {*listed.tools, *listed.announced_tools}
    tools = (
        "start_worker",
        "list_workers",
        "wait_for_workers",
        "read_worker",
        "nudge_worker",
        "answer_worker",
        "stop_worker",
        "merge_worker",
        "clean_workers",
        "adopt_workers",
        "read_mail",
    )
    assert {f"{CREW}{tool}" for tool in tools} <= offered
    started = api.wait_for_request("boss", r"Worker [0-9a-f]{8} ")
    identity = worker_id(started)
    assert f"worker-manager attach {identity}" in started.new_text
    assert "attach-session" not in started.new_text  # inside of tmux it takes the outer one away

    opening = api.wait_for_request("worker")
    assert {f"{CREW}complete", f"{CREW}ask"} <= set(opening.tools)
    assert identity in opening.system
    worker = crew.wait_for_session(lambda state: state["sessionId"] == opening.session_id)
    assert Path(str(worker.state["cwd"])).parent == crew.repository / ".worktrees"

    # The question wakes the idle orchestrator; its answer is the result of the waiting call.
    asked = api.wait_for_request("boss", "QUESTION-1")
    assert identity in asked.new_text
    api.on("boss", "^answer", call(f"{CREW}nudge_worker", id=identity, message="ANSWER-1 hello"))
    session.wait_for_status("idle")
    session.type("answer it")
    answered = api.wait_for_request("worker", "ANSWER-1")
    assert "Your orchestrator answers" in answered.new_text

    done = api.wait_for_request("boss", "DONE-1")
    assert "1 commit since" in done.new_text
    assert "greeting.txt" in done.new_text
    session.wait_for_status("idle")

    # A message wakes the idle worker, with its orchestrator's mark, which others don't see.
    worker.wait_for_status("idle")
    mark = re.search(r"the mark ([0-9a-f]{12})", opening.system)
    assert mark
    words = Path(f"/proc/{worker.pid}/cmdline").read_text("utf-8")
    assert identity in words
    assert [one for one in (mark[1], "write a greeting") if one in words] == []
    api.on("boss", "^once more", call(f"{CREW}nudge_worker", id=identity, message="NUDGE-1 again"))
    session.type("once more")
    nudged = api.wait_for_request("worker", "NUDGE-1")
    assert mark[1] in nudged.new_text

    assert api.times_told("boss", "DONE-1") == 1
    assert api.times_told("boss", "QUESTION-1") == 1


@pytest.mark.newest_claude
def test_mail_that_comes_during_a_tool_call_is_in_the_very_next_request(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    script_boss_and_worker(api)
    new = "$XDG_STATE_HOME/worker-manager/*/orchestrators/*/mail/new/*"
    mailed = f"while ! ls {new}; do sleep 0.1; done"
    api.on("boss", r"Worker [0-9a-f]{8} ", call("Bash", command=mailed, description="Wait"))
    api.on("worker", "W1 write", call(f"{CREW}complete", summary="DONE-1 at once"))
    session = start_boss(crew)
    session.type("start W1")

    before = api.wait_for_request("boss", r"Worker [0-9a-f]{8} ")
    after = api.wait_for_request("boss", "", after=before)

    assert "DONE-1" in after.new_text
    assert api.times_told("boss", "DONE-1") == 1


@pytest.mark.promise("identity-clear")
def test_after_clear_the_workers_mail_still_arrives(crew: ClaudeLab, api: MessagesApi) -> None:
    session, _, (go,) = boss_at_work(crew, api, "W1")
    before = session.session_id

    session.type("/clear")
    wait_until(lambda: session.session_id != before, missing=lambda: "no new session id")
    go.touch()

    told = api.wait_for_request(None, "DONE-W1")
    while told.session_id not in (session.session_id, before):
        told = api.wait_for_request(None, "DONE-W1", after=told)
    assert told.session_id == session.session_id


@pytest.mark.newest_claude
def test_without_a_doorbell_an_orchestrator_cannot_stop_past_waiting_mail(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    api.name_session("boss", first_prompt="^BOSS")
    api.name_session("worker", first_prompt="W1 write")
    reported = threading.Event()

    def note_the_report(_: Request) -> Reply:
        reported.set()
        return say("bye")

    arguments = {"title": "Greet W1", "task": "W1 write a greeting"}
    api.on("boss", "^BOSS", call(f"{CREW}start_worker", **arguments))
    api.on("boss", r"Worker [0-9a-f]{8} ", say("I stop here.", until=reported))
    api.on("worker", "W1 write", call(f"{CREW}complete", summary="DONE-1 at once"))
    api.on("worker", "Delivered to your orchestrator", note_the_report)

    crew.run_print("BOSS start W1", *AUTONOMOUS)

    held = api.wait_for_request("boss", "DONE-1")
    assert "Stop hook feedback" in held.new_text
    # In one request; 2.1.332 itself writes what a hook says twice there.
    assert api.requests_with_new("boss", "DONE-1") == [held]


@pytest.mark.newest_claude
@pytest.mark.timeout(600)
def test_an_installed_plugin_builds_its_environment_at_the_first_start(
    lab: ClaudeLab, api: MessagesApi
) -> None:
    lab.env.update({name: value for name, value in os.environ.items() if name.startswith(SETUP)})
    lab.install_plugin(CHECKOUT)
    script_boss_and_worker(api)
    api.on("worker", "W1 write", call(f"{CREW}complete", summary="DONE-1 at once"))
    session = start_boss(lab)
    session.type("start W1")

    # The call waits for the packages; the doorbell of this very first session works.
    api.wait_for_request("boss", "DONE-1", 400)

    assert list(lab.home.glob(".claude/plugins/data/worker-manager-worker-manager/venv-*/ready-*"))
    # Hooks, too, have found what they need of it.
    assert not list(lab.root.rglob("hooks.log"))


@pytest.mark.newest_claude
def test_the_demo_with_the_persons_own_claude_code(lab: ClaudeLab, api: MessagesApi) -> None:
    api.name_session("worker", first_prompt="demo greeting")
    work = "echo 'Good morning' > greeting.txt && git add -A && git commit -qm 'Add the greeting'"
    api.on("worker", "demo greeting", call(f"{CREW}ask", question="Which greeting?"))
    api.on("worker", "Your orchestrator answers", call("Bash", command=work, description="Do it"))
    api.on("worker", lambda request: True, call(f"{CREW}complete", summary="DONE-1"))
    command = [sys.executable, "-I", "-m", "worker_manager", "demo", "--agent", "claude"]
    # In the place of a person who answers the trust dialog of the demo's new repository.
    environ = {**lab.env, "CLAUDE_CODE_SANDBOXED": "1"}

    done = subprocess.run(
        command, env=environ, cwd=lab.root, capture_output=True, text=True, check=False, timeout=250
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "done: everything worked" in done.stdout
