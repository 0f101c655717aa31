"""What the plugin teaches a session: the skill, the slash commands, and what they cost."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import CHECKOUT
from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import CREW, start_boss
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import call, say
from tests.support.claude.requests import Request

pytestmark = [pytest.mark.claude, pytest.mark.newest_claude]

SKILL = "worker-manager:split-work"


def boss(crew: ClaudeLab, api: MessagesApi) -> Request:
    """A session with the plugin; its first request."""
    api.name_session("boss", first_prompt="^BOSS")
    start_boss(crew)
    return api.requests("boss")[0]


def told(request: Request) -> str:
    """All that the model reads, tools included."""
    return json.dumps(request.body)


def test_the_skill_is_offered_and_read_and_a_slash_command_costs_nothing_until_it_is_typed(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    text = told(boss(crew, api))
    session = crew.sessions[0]
    api.on("boss", "^split it", call("Skill", skill=SKILL))
    api.on("boss", "PAINT-IT-BLACK", say("started"))

    assert f"{SKILL}: How to split work" in text
    assert "worker-manager:cleanup" not in text
    session.type("split it")
    read = api.wait_for_request("boss", "Write a task for a stranger")
    assert "`nudge_worker`" in read.all_text

    session.wait_for_status("idle")
    session.paste("/worker-manager:start PAINT-IT-BLACK")
    session.wait_for_screen("PAINT-IT-BLACK")
    session.press("Enter")

    request = api.wait_for_request("boss", "PAINT-IT-BLACK")
    assert "Write each task so that a\nstranger can do it" in request.new_text


def test_the_readmes_commands_install_the_plugin(lab: ClaudeLab) -> None:
    lines = (CHECKOUT / "README.md").read_text("utf-8").splitlines()
    ours = [line.strip() for line in lines if line.strip().startswith("claude plugin ")]
    commands = [line.partition("  #")[0].split() for line in ours]
    assert len(commands) == 2

    for _, *arguments in commands:
        url = lab.publish(CHECKOUT)
        lab.run_well(*(url if word == "CHECKOUT" else word for word in arguments))

    listed = json.loads(lab.run("plugin", "list", "--json").stdout)
    chosen = [one for one in listed if not one["id"].endswith("@builtin")]  # 2.1.332 has some
    assert [(one["id"], one["enabled"]) for one in chosen] == [
        ("worker-manager@worker-manager", True)
    ]


@pytest.mark.promise("cost-told")
def test_it_costs_no_more_tokens_than_the_readme_says(crew: ClaudeLab, api: MessagesApi) -> None:
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    (listing,) = re.findall(r"(\d+) tokens for the skill and the commands", readme)
    (tools,) = re.findall(r"about ([\d,]+) for the tools", readme)
    (reading,) = re.findall(r"reading the skill, ([\d,]+) more", readme)
    request = boss(crew, api)
    ours = [tool for tool in request.body["tools"] if tool["name"].startswith(CREW)]

    # Its own estimate: the scripted API counts 100 tokens in everything.
    nowhere = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    details = crew.run("plugin", "details", "worker-manager", env=nowhere).stdout
    (told_by_claude,) = re.findall(r"Always-on:\s+~(\d+) tok", details)

    (on_invoke,) = re.findall(r"split-work\s+~\d+\s+~(\d+)", details)

    assert int(told_by_claude) <= int(listing)
    assert int(on_invoke) <= int(reading.replace(",", ""))
    # Claude Code itself counts four characters for a token.
    assert 0 < len(json.dumps(ours)) / 4 <= int(tools.replace(",", ""))
