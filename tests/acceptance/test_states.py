"""What keeps a real worker from going on, and how its orchestrator hears of it."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.claude_session import Session
from tests.support.claude.crew import CREW, script_boss_and_worker, start_boss, worker_id
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import Failure, call, say
from tests.support.claude.requests import Request
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.claude]

WORK = "while :; do sleep 1; done"


@pytest.fixture
def boss(crew: ClaudeLab, api: MessagesApi) -> Session:
    """An idle orchestrator; its model starts worker W1 at the prompt `start W1`."""
    script_boss_and_worker(api)
    api.on("boss", "^list", call(f"{CREW}list_workers"))
    return start_boss(crew)


def start(api: MessagesApi, boss: Session) -> str:
    """Starts the worker; gives its id."""
    boss.type("start W1")
    started = api.wait_for_request("boss", r"Worker [0-9a-f]{8} ")
    boss.wait_for_status("idle")
    return worker_id(started)


def listed(api: MessagesApi, boss: Session) -> Request:
    """What the model reads of its workers."""
    boss.wait_for_status("idle")
    before = api.requests("boss")[-1]
    boss.type("list them")
    return api.wait_for_request("boss", '"workers":', after=before)


def terminal_of(lab: ClaudeLab, api: MessagesApi) -> Session:
    """The worker's own session."""
    opening = api.wait_for_request("worker")
    return lab.wait_for_session(lambda state: state["sessionId"] == opening.session_id)


@pytest.mark.newest_claude
@pytest.mark.promise("state-idle")
def test_esc_at_a_workers_terminal_is_seen_and_told(crew: ClaudeLab, api: MessagesApi) -> None:
    crew.env["WORKER_MANAGER_IDLE_SECONDS"] = "5"
    script_boss_and_worker(api)
    api.on("boss", "^list", call(f"{CREW}list_workers"))
    api.on("worker", "W1 write", call("Bash", command=WORK, description="Work"))
    boss = start_boss(crew)
    worker = start(api, boss)
    terminal = terminal_of(crew, api)
    terminal.wait_for_status("busy")
    terminal.wait_for_screen("sleep 1")
    at_work = listed(api, boss).new_text
    if '"doing":""' in at_work:  # Claude Code had not written it down yet
        api.on("boss", "^list", call(f"{CREW}list_workers"))
        at_work = listed(api, boss).new_text
    assert '"doing":""' not in at_work
    assert '"context_tokens":null' not in at_work

    terminal.press("Escape")
    terminal.wait_for_status("idle")

    told = api.wait_for_request("boss", r"\[stalled m")
    assert worker in told.new_text
    api.on("boss", "^list", call(f"{CREW}list_workers"))
    assert "idle without a report" in listed(api, boss).new_text
    assert api.times_told("boss", r"\[stalled m") == 1


@pytest.mark.newest_claude
@pytest.mark.promise("state-dialog")
def test_a_dialog_at_a_workers_start_is_told_with_the_way_out(
    crew: ClaudeLab, api: MessagesApi, boss: Session
) -> None:
    servers = {"mcpServers": {"foo": {"command": "true"}}}
    (crew.repository / ".mcp.json").write_text(json.dumps(servers), "utf-8")
    crew.git("add", ".mcp.json")
    crew.git("commit", "-q", "-m", "Servers")
    api.on("worker", "W1 write", call(f"{CREW}complete", summary="DONE-1"))
    arguments = {"title": "Greet W2", "task": "W1 write", "permission_mode": "acceptEdits"}
    api.on("boss", "^start W2", call(f"{CREW}start_worker", **arguments))
    boss.type("start W2")
    worker = worker_id(api.wait_for_request("boss", r"Worker [0-9a-f]{8} "))
    boss.wait_for_status("idle")

    told = api.wait_for_request("boss", r"\[blocked m")
    assert "project MCP servers" in told.new_text
    assert "enabledMcpjsonServers" in told.new_text
    assert f"{worker} blocked (project MCP servers)" in listed(api, boss).new_text

    (state,) = crew.state_home.glob("worker-manager/*/workers/*/worker.json")
    handle = json.loads(state.read_text("utf-8"))["handle"]
    socket, _, name = handle.rpartition(":")
    # The person answers.
    subprocess.run(["tmux", "-S", socket, "send-keys", "-t", f"={name}:", "Enter"], check=True)
    api.wait_for_request("boss", "DONE-1")
    assert api.times_told("boss", r"\[blocked m") == 1


@pytest.mark.newest_claude
@pytest.mark.promise("state-limit")
def test_a_usage_limit_is_told_once_an_overload_that_passes_is_not_and_a_nudge_goes_on(
    crew: ClaudeLab, api: MessagesApi, boss: Session
) -> None:
    api.on("worker", "W1 write", Failure(529, "overloaded", {"retry-after": "0"}))
    headers = {"x-should-retry": "false"}
    limit = "You have hit your limit, it resets at 5pm"
    api.on("worker", "W1 write", Failure(429, limit, headers))
    api.on("worker", "GO-ON", call(f"{CREW}complete", summary="DONE-1"))
    worker = start(api, boss)

    told = api.wait_for_request("boss", r"\[limit m")
    assert limit in told.new_text
    assert f"{worker} blocked (rate_limit)" in listed(api, boss).new_text

    boss.wait_for_status("idle")
    api.on("boss", "^go on", call(f"{CREW}nudge_worker", id=worker, message="GO-ON"))
    boss.type("go on with it")
    api.wait_for_request("boss", "DONE-1")
    assert api.times_told("boss", r"\[limit m") == 1


@pytest.mark.newest_claude
@pytest.mark.promise("report-end")
def test_a_worker_that_is_reminded_in_vain_and_ends_at_its_terminal_has_failed(
    crew: ClaudeLab, api: MessagesApi, boss: Session
) -> None:
    api.on("worker", "W1 write", say("I wait."))
    api.on("worker", "", say("I wait."))
    worker = start(api, boss)
    terminal = terminal_of(crew, api)
    api.wait_for_request("worker", "ended your turn without a report")
    api.wait_for_request("boss", r"\[stalled m")
    terminal.type("/exit")

    told = api.wait_for_request("boss", r"\[failed m")
    assert worker in told.new_text
    assert "exit code 0" in told.new_text
    assert f"{worker} failed" in listed(api, boss).new_text


@pytest.mark.newest_claude
@pytest.mark.promise("stop-saved", "stop-restored")
def test_a_worker_stopped_with_dirty_files_goes_on_with_its_conversation(
    crew: ClaudeLab, api: MessagesApi, boss: Session
) -> None:
    api.on(
        "worker", "W1 write", call("Bash", command="echo x > dirty; " + WORK, description="Work")
    )
    worker = start(api, boss)
    terminal = terminal_of(crew, api)
    wait_until(lambda: list(crew.repository.glob(".worktrees/*/dirty")))
    api.on("boss", "^stop it", call(f"{CREW}stop_worker", id=worker, force=True))
    boss.type("stop it")
    stopped = api.wait_for_request("boss", "What no commit holds is saved")
    terminal.wait_for_end()

    boss.wait_for_status("idle")
    api.on("worker", "GO-ON", call("Bash", command="cat dirty", description="Look"))
    api.on("worker", "", call(f"{CREW}complete", summary="DONE-1"))
    api.on("worker", "Nothing is committed", call(f"{CREW}complete", summary="DONE-1"))
    api.on("boss", "^restore it", call(f"{CREW}restore_worker", id=worker, message="GO-ON"))
    boss.type("restore it")
    resumed = api.wait_for_request("worker", "GO-ON")

    assert f"refs/worker-manager/{worker}/" in stopped.new_text
    assert "W1 write a greeting" in resumed.all_text
    api.wait_for_request("boss", "DONE-1")
    boss.wait_for_status("idle")
    assert api.times_told("boss", r"\[failed m") == 0
