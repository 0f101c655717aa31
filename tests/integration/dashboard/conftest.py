"""What the tests of the live view begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.terminals.watching import repository_at
from worker_manager.crew.repository import Repository


@pytest.fixture
def watched(repository: Path, tmux_socket: str) -> Repository:
    """The repository as a person at a terminal sees it."""
    return repository_at(repository, tmux_socket)
