"""The doctor with the real Claude Code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.acceptance.conftest import CLAUDE_VERSIONS
from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import CREW, start_boss
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import call
from tests.support.scripted.long_calls import listen_for

pytestmark = [pytest.mark.claude, pytest.mark.newest_claude]


#: The command as a person calls it.
PROGRAM = (sys.executable, "-I", "-m", "worker_manager")


def visit(
    lab: ClaudeLab, *options: str, cwd: Path | None = None, program: Sequence[str] = PROGRAM
) -> dict[str, dict[str, str]]:
    """What the doctor found, by what it is about."""
    done = subprocess.run(
        [*program, "doctor", "--json", *options],
        cwd=cwd or lab.repository,
        env=lab.env,
        capture_output=True,
        text=True,
        check=False,
    )
    return {one["about"]: one for one in json.loads(done.stdout)["findings"]}


def verdicts(found: dict[str, dict[str, str]], *about: str) -> list[str]:
    return [found[one]["verdict"] for one in about]


@pytest.mark.promise("doctor-doorbell")
def test_a_test_letter_wakes_a_real_session(crew: ClaudeLab, api: MessagesApi) -> None:
    found = visit(crew, "--deep")

    wanted = ("Claude Code", "login", "plugin", "hooks", "MCP server", "doorbell")
    assert verdicts(found, *wanted) == ["ok"] * 6, found
    assert "woke a session" in found["doorbell"]["says"]
    assert len(api.requests()) == 1, "it costs one short turn"
    assert crew.session_states() == []


@pytest.mark.promise("wait-bounded")
def test_a_version_that_nobody_has_tried_is_tried_and_noted(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    api.name_session("doctor", first_prompt="Say the one word: received")
    tool = f"{CREW}wait_for_workers"
    api.on("doctor", "once, with timeout_seconds 5", call(tool, timeout_seconds=5))
    listen_for(crew, 3_000)
    asked = (
        "import sys; from worker_manager import cli; "
        "from worker_manager.agents.claude import patience; "
        "from worker_manager.doctor import trial; patience.HEEDS_SETTING = (); "
        "trial.CALL_SECONDS = 5; sys.exit(cli.main(sys.argv[1:]))"
    )

    found = visit(crew, "--deep", program=(sys.executable, "-c", asked))

    assert verdicts(found, "long calls") == ["ok"], found
    noted = list((crew.state_home / "worker-manager" / "tried").iterdir())
    assert [one.name for one in noted] == [CLAUDE_VERSIONS[-1]]


def test_a_repository_that_nobody_trusts_is_told_with_the_way_out(crew: ClaudeLab) -> None:
    found = visit(crew, "--deep", cwd=crew.new_repository("strange", trusted=False))

    assert verdicts(found, "hooks") == ["failed"]
    assert "trust dialog" in found["hooks"]["says"]
    assert "accept" in found["hooks"]["repair"]


@pytest.mark.promise("doctor-tried")
def test_hooks_that_are_turned_off_are_found_out(crew: ClaudeLab) -> None:
    settings = crew.home / ".claude" / "settings.json"
    chosen = json.loads(settings.read_text("utf-8"))
    settings.write_text(json.dumps({**chosen, "disableAllHooks": True}), "utf-8")

    found = visit(crew, "--deep")

    assert verdicts(found, "hooks") == ["failed"]
    assert found["hooks"]["repair"] == f"take disableAllHooks out of {settings}"
    # Nor does it take a session to see it.
    assert verdicts(visit(crew), "hooks") == ["failed"]


def test_a_running_session_is_evidence_enough(crew: ClaudeLab, api: MessagesApi) -> None:
    api.name_session("boss", first_prompt="^BOSS")
    start_boss(crew)

    found = visit(crew)

    assert verdicts(found, "hooks", "MCP server") == ["ok"] * 2, found


def test_a_claude_without_login_or_plugin_is_found_out(lab: ClaudeLab) -> None:
    del lab.env["ANTHROPIC_API_KEY"]

    found = visit(lab)

    assert verdicts(found, "login", "plugin") == ["failed", "warning"], found
