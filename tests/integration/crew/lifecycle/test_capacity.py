"""How many workers a machine takes when no setting says it."""

import os
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests.conftest import make_fleet
from tests.support.scripted.workers import HANG, recorded_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.capacity import NEEDED_BYTES, WORKERS_FOR_EACH_CORE
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status


@pytest.fixture
def measured(repository: Path, tmux_socket: str) -> Fleet:
    """A fleet that takes as many as there is room for."""
    return make_fleet(repository, tmux_socket, max_workers=0)


def with_free_memory(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=size))


def test_cores_limit_how_many_work(
    measured: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with_free_memory(monkeypatch, 10 * NEEDED_BYTES)
    for _ in range(WORKERS_FOR_EACH_CORE - 1):
        recorded_worker(measured, repository)
    assert measured.start(StartRequest("t", HANG)).worker.status is Status.STARTING

    queued = measured.start(StartRequest("t", HANG)).worker

    assert (queued.status, queued.reason) == (
        Status.QUEUED,
        "4 workers for each of 1 cores have a session",
    )


def test_memory_limits_all_but_the_first(
    measured: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free_memory(monkeypatch, NEEDED_BYTES - 1)
    assert measured.start(StartRequest("t", HANG)).worker.status is Status.STARTING

    queued = measured.start(StartRequest("t", HANG)).worker
    assert queued.reason == "a worker needs 700 MB of memory, less is free"

    with_free_memory(monkeypatch, NEEDED_BYTES)
    measured.supervisor.supervise_once()
    assert measured.worker(queued.id).status in (Status.STARTING, Status.RUNNING)
