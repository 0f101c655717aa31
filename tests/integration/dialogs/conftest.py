"""The worker whose dialogs are tested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.dialogs.session import Session, new_worker
from worker_manager.fleet import Fleet


@pytest.fixture
def session(repository: Path, fleet: Fleet) -> Iterator[Session]:
    worker = new_worker(fleet, repository)
    session = Session(fleet, worker.id, worker.session_id)
    yield session
    session.end()
