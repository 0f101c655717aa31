"""The worker whose dialogs are tested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.crew.messaging.dialogs.session import Session
from tests.support.scripted.workers import recorded_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Status


@pytest.fixture
def session(repository: Path, fleet: Fleet) -> Iterator[Session]:
    worker = recorded_worker(fleet, repository, agent="claude", status=Status.RUNNING)
    session = Session(fleet, worker)
    yield session
    session.end()
