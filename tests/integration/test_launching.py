"""What a worker's agent is started with."""

from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.waiting import wait_until
from worker_manager.starts import Wanted


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of claude; the file into which it writes its environment."""
    seen = tmp_path / "seen"
    program = tmp_path / "programs" / "claude"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nenv >{seen}.part && mv {seen}.part {seen}\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return seen


@pytest.mark.parametrize(("given", "expected"), [("", "180000"), ("5000", "5000")])
def test_a_claude_worker_waits_longer_for_its_server_unless_told_otherwise(
    repository: Path,
    tmux_socket: str,
    claude: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    expected: str,
) -> None:
    if given:
        monkeypatch.setenv("MCP_TIMEOUT", given)
    fleet = make_fleet(repository, tmux_socket, agent="claude", permission_mode="acceptEdits")

    fleet.start(Wanted("t", "x"))

    wait_until(claude.exists)
    assert f"MCP_TIMEOUT={expected}\n" in claude.read_text("utf-8")
