"""What a named agent says reaches the real Claude Code."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import CREW, start_boss
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import call
from tests.support.claude.requests import Request
from tests.support.terminals.person import MODULE

pytestmark = [pytest.mark.claude, pytest.mark.timeout(240)]

TABLES = """
[agents.architect]
model = "claude-sonnet-4-5"
role = "architect.md"
read_only = true
skills = ["planning"]
directories = ["../beside"]

[agents.second]
like = "architect"
consult = true

[agents.reader]
tools = ["Read", "Bash"]
"""


def house(crew: ClaudeLab) -> None:
    """A repository that names agents."""
    (crew.repository / "worker-manager.toml").write_text(TABLES, "utf-8")
    (crew.repository / "architect.md").write_text("You are ARCHITECT of this house.\n", "utf-8")
    (crew.repository.parent / "beside").mkdir()


def started(crew: ClaudeLab, api: MessagesApi, agent: str, command: str) -> Request:
    """The first request of a worker of this agent, which then runs a command, and completes."""
    house(crew)
    api.name_session("boss", first_prompt="^BOSS")
    api.name_session("worker", first_prompt="W1 write")
    given = {"title": "Greet W1", "task": "W1 write a plan", "agent": agent}
    api.on("boss", "^start W1", call(f"{CREW}start_worker", **given))
    api.on("worker", "W1 write", call("Bash", command=command, description="Plan"))
    api.on("worker", "", call(f"{CREW}complete", summary="DONE-1"))
    start_boss(crew).type("start W1")
    return api.wait_for_request("worker")


@pytest.mark.promise("agent-named", "guard-read-only")
def test_model_role_skills_and_reading_alone_are_the_sessions(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    first = started(crew, api, "architect", "echo x > plan.md")
    told = api.wait_for_request("boss", "DONE-1")

    assert first.body["model"].startswith("claude-sonnet-4-5")
    assert "You are ARCHITECT of this house." in first.system
    assert "load these skills: planning." in first.system
    assert f"read these directories, too: {crew.repository.parent / 'beside'}" in first.system
    assert "Bash" in first.tools
    writing = {"Edit", "EnterWorktree", "Monitor", "NotebookEdit", "Write"}
    assert writing.isdisjoint(first.tools + first.announced_tools)
    assert "you only read" in api.wait_for_request("worker", "refused this").new_text
    assert "It only reads, and was refused to change:" in told.new_text


@pytest.mark.newest_claude
@pytest.mark.promise("agent-named")
def test_tools_are_the_only_ones_of_claude_codes_own(crew: ClaudeLab, api: MessagesApi) -> None:
    first = started(crew, api, "reader", "ls")
    api.wait_for_request("boss", "DONE-1")

    own = {tool for tool in first.tools if not tool.startswith("mcp__")}
    assert own <= {"Read", "Bash", "Skill", "ToolSearch"}
    assert {"Read", "Bash", f"{CREW}complete", f"{CREW}ask"} <= set(first.tools)


@pytest.mark.newest_claude
@pytest.mark.promise("opinion")
def test_an_opinion_is_given_and_nothing_is_left_of_it(lab: ClaudeLab, api: MessagesApi) -> None:
    house(lab)
    api.name_session("second", first_prompt="QUESTION-1")
    api.on("second", "QUESTION-1", call("Bash", command="echo x > stray", description="Try"))
    api.on("second", "you only read", call(f"{CREW}complete", summary="OPINION-1: no."))

    asked = subprocess.run(
        [*MODULE, "consult", "second", "QUESTION-1: is it right?", "--json"],
        cwd=lab.repository,
        env=lab.env,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert json.loads(asked.stdout)["text"] == "OPINION-1: no.", asked.stdout + asked.stderr
    opening = api.requests("second")[0]
    assert "You are ARCHITECT of this house." in opening.system
    assert not (lab.repository / "stray").exists()
    state = lab.state_home / "worker-manager"
    assert list(state.glob("consult-*")) == []
    assert not (state / "sessions" / opening.session_id).is_symlink()


@pytest.mark.newest_claude
@pytest.mark.promise("opinion")
def test_a_worker_asks_another_agent_and_goes_on(crew: ClaudeLab, api: MessagesApi) -> None:
    house(crew)
    for name, prompt in (("boss", "^BOSS"), ("worker", "W1 write"), ("second", "QUESTION-2")):
        api.name_session(name, first_prompt=prompt)
    given = {"title": "Greet W1", "task": "W1 write a greeting"}
    api.on("boss", "^start W1", call(f"{CREW}start_worker", **given))
    api.on("worker", "W1 write", call(f"{CREW}ask", question="QUESTION-2?", of="second"))
    api.on("second", "QUESTION-2", call(f"{CREW}complete", summary="OPINION-2: yes."))
    api.on("worker", "OPINION-2", call(f"{CREW}complete", summary="DONE-1"))
    start_boss(crew).type("start W1")

    told = api.wait_for_request("worker", "OPINION-2", seconds=120)
    api.wait_for_request("boss", "DONE-1")

    assert "The opinion of second (claude), which you asked for. It is no order" in told.new_text
    assert api.times_told("boss", "OPINION-2") == 0
    assert list((crew.state_home / "worker-manager").glob("consult-*")) == []
