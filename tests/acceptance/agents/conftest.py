"""Fixtures for tests with the real Codex; each test's crew is a fleet in its own process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import end_tmux, make_fleet
from tests.support.codex.codex_cli import find_cli, install_command
from tests.support.codex.codex_lab import CodexLab
from tests.support.codex.responses_api import ResponsesApi
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet

#: CI runs a journey of each agent; all of them are run by hand, after a change of theirs.
IS_ALL = os.environ.get("WORKER_MANAGER_TEST_AGENTS") == "all"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what only a run of all has."""
    dropped = [] if IS_ALL else [one for one in items if one.get_closest_marker("all_agents")]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [one for one in items if one not in dropped]


@pytest.fixture
def model() -> Iterator[ResponsesApi]:
    """The scripted model; the test fails when its script raised something."""
    with ResponsesApi() as api:
        yield api
    assert not api.problems, api.problems


@pytest.fixture
def codex(
    model: ResponsesApi,
    tmp_path: Path,
    repository: Path,
    tmux_socket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[CodexLab]:
    """The real Codex, whose person trusts the repository. No process of it outlives the test."""
    program = find_cli()
    if program is None:
        said = f"Codex is not installed for tests. Install it with: {install_command()}"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    lab = CodexLab(tmp_path, program, model, monkeypatch)
    lab.trust(repository)
    yield lab
    end_tmux(tmux_socket)
    wait_until(lab.has_ended, missing=lambda: f"left: {lab.processes()}")


@pytest.fixture
def crew(codex: CodexLab, repository: Path, tmux_socket: str) -> Fleet:
    """A fleet whose workers are Codex."""
    return make_fleet(repository, tmux_socket, agent="codex", allowed_programs=("codex",))
