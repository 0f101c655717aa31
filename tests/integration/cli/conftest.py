"""A repository, a person who stands in it, and the workers that person starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import CHECKOUT
from tests.integration.crew.messaging.dialogs.session import Session
from tests.support.scripted.workers import recorded_worker
from tests.support.terminals.person import Terminal, worker_manager, worker_manager_here
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.repository import Repository
from worker_manager.domain.worker import Status
from worker_manager.state.layout import state_root

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def settings(tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the commands find in their environment."""
    monkeypatch.setenv("WORKER_MANAGER_TMUX_SOCKET", tmux_socket)
    monkeypatch.setenv("WORKER_MANAGER_AGENT", "scripted")
    monkeypatch.setenv("WORKER_MANAGER_MAX_WORKERS", "100")
    monkeypatch.setenv("WORKER_MANAGER_PYTHON", sys.executable)


@pytest.fixture
def command(repository: Path) -> Command:
    """Runs one there, without a terminal."""

    def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return worker_manager(*arguments, **{"cwd": repository, **more})

    return run


@pytest.fixture
def here(repository: Path) -> Command:
    """The same without a process of its own."""

    def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return worker_manager_here(*arguments, **{"cwd": repository, **more})

    return run


@pytest.fixture
def mine(repository: Path, settings: None) -> Fleet:
    """The workers of the person at the terminal."""
    return Repository(state_root(), str(repository), os.environ).own_fleet()


@pytest.fixture
def session(repository: Path, mine: Fleet) -> Iterator[Session]:
    """A worker of theirs that may open dialogs."""
    worker = recorded_worker(mine, repository, agent="claude", status=Status.RUNNING)
    session = Session(mine, worker)
    yield session
    session.end()


@pytest.fixture
def terminal(person_socket: str) -> Terminal:
    """Where the person sits."""
    return Terminal(person_socket)


def validated(name: str, output: str) -> list[dict[str, Any]]:
    """The values that a command printed, each as the documented schema wants it."""
    schema = json.loads((CHECKOUT / "docs/reference/json-schema.json").read_text("utf-8"))
    wanted = {**schema, "$ref": f"#/$defs/{schema['commands'].get(name, name)}"}
    values = [json.loads(line) for line in output.splitlines()]
    for value in values:
        jsonschema.validate(value, wanted, jsonschema.Draft202012Validator)
    assert values
    return values
