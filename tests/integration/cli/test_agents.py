"""`agents`: what can be named here, and what a person allows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Command, validated
from tests.support.scripted.workers import HANG
from worker_manager import agents
from worker_manager.crew.fleet import Fleet
from worker_manager.state import allowed_programs, sessions
from worker_manager.state.layout import state_root

TABLES = """
[agents.architect]
about = "plans, writes no code"
agent = "claude"
model = "opus"
read_only = true
[agents.other]
agent = "scripted"
consult = true
[agents.broken]
agent = "scripted"
tools = ["Read"]
"""


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `claude` that says its version, and whether there is a login."""
    folder = tmp_path / "programs"
    folder.mkdir()
    program = folder / "claude"
    program.write_text(
        '#!/bin/sh\n[ "$1" = auth ] && echo \'{"loggedIn": true}\' || echo "2.9.9 (Claude Code)"\n',
        "utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.fixture
def named(repository: Path) -> None:
    (repository / "worker-manager.toml").write_text(TABLES, "utf-8")


def squeezed(text: str) -> str:
    """Whatever the columns are wide."""
    return " ".join(text.split())


def test_each_agent_stands_with_program_version_login_and_what_it_is(
    here: Command, named: None, claude: Path
) -> None:
    lines = here("agents").stdout.splitlines()

    assert lines[0].split() == ["NAME", "PROGRAM", "VERSION", "LOGIN", "ABOUT"]
    shown = {line.split()[0]: line.split() for line in lines[1 : lines.index("")]}
    assert shown["architect"] == [
        "architect",
        "claude",
        "2.9.9",
        "yes",
        "plans,",
        "writes",
        "no",
        "code",
    ]
    assert shown["scripted"][-2:] == ["the", "default"]
    assert "can't be started" in " ".join(shown["broken"])
    assert "scripted can't honour" in "\n".join(lines[lines.index("") :])

    (catalogue,) = validated("agents", here("agents", "--json").stdout)
    by_name = {one["name"]: one for one in catalogue["agents"]}
    assert list(by_name) == sorted({"architect", "broken", "other", *agents.KNOWN})
    architect = by_name["architect"]
    assert (architect["model"], architect["read_only"], architect["is_logged_in"]) == (
        "opus",
        True,
        True,
    )
    assert by_name["other"]["consult"]
    assert by_name["scripted"]["is_default"]


def test_what_a_program_does_not_say_is_unknown(here: Command, claude: Path) -> None:
    claude.write_text("#!/bin/sh\necho nonsense; exit 3\n", "utf-8")

    assert "claude claude unknown unknown" in squeezed(here("agents").stdout)


def test_a_program_that_is_missing_stands_with_what_installs_it(
    here: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    said = here("agents").stdout

    assert "claude claude not installed" in squeezed(said)
    assert "claude is not installed: npm install -g @anthropic-ai/claude-code" in said


@pytest.mark.promise("agent-allowed")
def test_what_a_person_allows_counts_here_until_they_take_it_back(
    here: Command, mine: Fleet, named: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "_OURS", ("claude",))
    monkeypatch.setenv("WORKER_MANAGER_AGENT", "claude")
    refused = here("start", HANG, "--agent", "other")
    assert refused.returncode != 0
    assert "worker-manager agents --enable scripted allows it here" in refused.stderr
    assert "agents --enable scripted" in here("agents").stdout

    said = here("agents", "--enable", "other").stdout
    assert said == "scripted may see the code of this repository from now on.\n"
    assert allowed_programs.are_here(mine.records.repository) == {"scripted"}
    started = here("start", HANG, "--agent", "other", "--json")
    assert json.loads(started.stdout)["worker"]["agent_name"] == "other"

    said = here("agents", "--disable", "scripted").stdout
    assert said == "scripted may not see the code of this repository any more.\n"
    assert here("start", HANG, "--agent", "other").returncode != 0


def test_what_needs_no_leave_is_said_so(here: Command) -> None:
    assert "claude needs no leave" in here("agents", "--enable", "claude").stdout
    assert "Did you mean claude?" in here("agents", "--enable", "claud").stderr


@pytest.mark.promise("agent-allowed")
def test_no_agent_allows_it_from_its_shell(
    here: Command, mine: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "_OURS", ("claude",))
    monkeypatch.setenv("CLAUDECODE", "1")
    assert "This is the shell of an agent" in here("agents", "--enable", "scripted").stderr
    monkeypatch.delenv("CLAUDECODE")
    monkeypatch.setenv("WORKER_MANAGER_WORKER_ID", "00000000")
    assert "This is the shell of an agent" in here("agents", "--enable", "scripted").stderr
    monkeypatch.delenv("WORKER_MANAGER_WORKER_ID")
    sessions.link_process(state_root(), os.getppid(), mine.home)  # without any variable
    assert "This is the shell of an agent" in here("agents", "--enable", "scripted").stderr
    assert allowed_programs.are_here(mine.records.repository) == set()
