"""Supervising in the background, for as long as something follows workers."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.support.scripted.workers import recorded_worker
from tests.support.waiting import WAIT_SECONDS, wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.supervision import background
from worker_manager.crew.supervision.background import BackgroundSupervisor
from worker_manager.crew.supervision.supervisor import Supervisor
from worker_manager.domain.worker import Status, Worker


@pytest.fixture(autouse=True)
def rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow each other quickly."""
    monkeypatch.setattr(background, "ROUND_SECONDS", 0.05)


def vanished(fleet: Fleet, repository: Path) -> Worker:
    """A worker whose process and terminal are gone."""
    return recorded_worker(fleet, repository, status=Status.RUNNING, starter="", launched=True)


def test_a_round_that_fails_is_not_the_last_one(fleet: Fleet, repository: Path) -> None:
    worker = vanished(fleet, repository)
    failures = [RuntimeError("a fault"), OSError("a disk")]

    def find() -> Supervisor:
        if failures:
            raise failures.pop()
        return fleet.supervisor

    with BackgroundSupervisor(find):
        wait_until(lambda: fleet.records.load(worker.id).status is Status.FAILED)


def test_one_that_is_there_only_later_is_found(fleet: Fleet, repository: Path) -> None:
    worker = vanished(fleet, repository)
    found: list[Supervisor | None] = [None]

    with BackgroundSupervisor(lambda: found[0]):
        time.sleep(0.2)
        assert fleet.records.load(worker.id).status is Status.RUNNING
        found[0] = fleet.supervisor
        wait_until(lambda: fleet.records.load(worker.id).status is Status.FAILED)


def test_what_hangs_holds_up_neither_who_follows_nor_its_end(fleet: Fleet) -> None:
    hangs, is_over, has_ended = (threading.Event() for _ in range(3))

    def find() -> None:
        hangs.set()
        is_over.wait()
        has_ended.set()

    try:
        with BackgroundSupervisor(find):
            assert hangs.wait(WAIT_SECONDS)
        assert not has_ended.is_set()
    finally:
        is_over.set()


def test_after_its_end_no_round_begins(fleet: Fleet) -> None:
    rounds: list[float] = []

    def find() -> None:
        rounds.append(time.monotonic())

    with BackgroundSupervisor(find):
        wait_until(lambda: len(rounds) > 2)
    time.sleep(0.2)
    before = len(rounds)
    time.sleep(0.3)

    assert len(rounds) == before
