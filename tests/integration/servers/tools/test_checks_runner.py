"""Calls of `complete` that are cancelled, or fail, while their checks run."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.scripted.workers import recorded_worker
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Worker
from worker_manager.errors import StateUnavailable
from worker_manager.servers.call import Call, Cancelled
from worker_manager.servers.tools.checks_runner import Completions, _Completion

SUMMARY = "all done"


class Setting(NamedTuple):
    """A worker whose check begins, and ends once it may."""

    completions: Completions
    begun: Path
    go: Path
    home: Path
    pool: ThreadPoolExecutor

    def complete(self, call: Call, patience: float | None = None) -> Future[Worker | None]:
        """Called in another thread."""
        return self.pool.submit(self.completions.complete, call, SUMMARY, patience)

    def complete_begun(self, call: Call) -> Future[Worker | None]:
        """Its check runs."""
        future = self.complete(call)
        wait_until(self.begun.exists)
        return future


@pytest.fixture
def setting(fleet: Fleet, repository: Path, tmp_path: Path) -> Setting:
    begun, go = tmp_path / "begun", tmp_path / "go"
    check = f"echo x >> {begun}; while ! test -e {go}; do sleep 0.02; done"
    worker = recorded_worker(fleet, repository, checks=(check,))
    completions = Completions(fleet.records, worker.id, 600)
    home = Path(fleet.records.home(worker.id))
    return Setting(completions, begun, go, home, ThreadPoolExecutor(4))


def waits(call: Call) -> bool:
    return bool(call._bells)


def test_what_is_cancelled_before_a_check_is_not_reported(setting: Setting, fleet: Fleet) -> None:
    running = _Completion(fleet.records, setting.home.name, SUMMARY, 600)
    call = Call()
    assert running.joined_by(call, SUMMARY)
    running.give_up(call)
    running.run()

    with pytest.raises(Cancelled):
        running.outcome()
    assert not setting.begun.exists()
    assert not reports.has_completed(fleet.records, setting.home.name, SUMMARY)


def test_a_call_after_a_cancelled_one_runs_the_checks_anew(setting: Setting) -> None:
    first = Call()
    cancelled = setting.complete_begun(first)
    first.cancel()
    with pytest.raises(Cancelled):
        cancelled.result()
    setting.go.touch()

    assert setting.completions.complete(Call(), SUMMARY, None) is not None
    assert setting.begun.read_text() == "x\n" * 2


def test_a_cancelled_call_leaves_the_checks_to_another_that_waits(setting: Setting) -> None:
    first, second = Call(), Call()
    cancelled, other = setting.complete_begun(first), setting.complete(second)
    wait_until(lambda: waits(second))
    first.cancel()
    with pytest.raises(Cancelled):
        cancelled.result()
    setting.go.touch()

    assert other.result() is not None
    assert setting.begun.read_text() == "x\n"


def test_a_call_that_fails_leaves_no_trace_among_those_that_wait(setting: Setting) -> None:
    """Its disk refuses the record that they go on."""
    first = Call()
    cancelled = setting.complete_begun(first)
    (setting.home / "checking").mkdir()
    with pytest.raises(StateUnavailable):
        setting.complete(Call(), patience=0.0).result()
    (setting.home / "checking").rmdir()
    first.cancel()
    with pytest.raises(Cancelled):
        cancelled.result()
    setting.go.touch()

    assert setting.completions.complete(Call(), SUMMARY, None) is not None
    assert setting.begun.read_text() == "x\n" * 2
