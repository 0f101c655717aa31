"""A second opinion of the real Codex, whose model is scripted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.codex.codex_lab import CodexLab
from tests.support.codex.responses_api import ResponsesApi, read_what_is_named, shell, tool
from tests.support.waiting import wait_until
from worker_manager import config
from worker_manager.crew import opinions
from worker_manager.crew.lifecycle.consult import Subject
from worker_manager.state import allowed_programs
from worker_manager.state.layout import repository_directory, state_root

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]

TABLES = """
[agents.second]
agent = "codex"
role = "You are SECOND."
"""


@pytest.mark.promise("opinion", "guard-read-only")
def test_codex_gives_an_opinion_and_writes_nothing(
    codex: CodexLab,
    model: ResponsesApi,
    repository: Path,
    tmux_socket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (repository / config.FILE).write_text(TABLES, "utf-8")
    monkeypatch.setenv("WORKER_MANAGER_TMUX_SOCKET", tmux_socket)
    allowed_programs.allow(repository_directory(state_root(), str(repository)), "codex")
    model.on("says how you work", read_what_is_named)
    model.on("QUESTION-1", shell("echo x > stray; echo TRIED-1"))
    model.on("TRIED-1", tool("complete", summary="OPINION-1: no."))

    opinion = opinions.for_person(
        config.load(repository, os.environ),
        repository_directory(state_root(), str(repository)),
        "second",
        "QUESTION-1: is it right?",
        Subject(str(repository)),
        root=state_root(),
        seconds=300,
    )

    assert (opinion.text, opinion.reason) == ("OPINION-1: no.", "")
    assert (opinion.name, opinion.program) == ("second", "codex")
    assert "You are SECOND." in model.wait_for("QUESTION-1").new_text
    assert not (repository / "stray").exists()
    assert list(Path(state_root()).glob("consult-*")) == []
    wait_until(codex.has_ended, missing=lambda: f"left: {codex.processes()}")
