"""`worker-manager watch` in a terminal, with nothing else open: who supervises the workers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.integration.crew.supervision.test_budgets import spend
from tests.support.scripted.workers import HANG, letters_to, recorded_worker
from tests.support.terminals.person import Terminal
from tests.support.terminals.watching import files_below, script
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.repository import Repository
from worker_manager.domain.worker import Status
from worker_manager.state.layout import state_root


@pytest.fixture
def mine(repository: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """The workers of the person at the terminal; there is room for one at a time."""
    for name, value in {
        "TMUX_SOCKET": tmux_socket,
        "AGENT": "scripted",
        "MAX_WORKERS": "1",
        "STOP_GRACE_SECONDS": "1",
        "PYTHON": sys.executable,
    }.items():
        monkeypatch.setenv(f"WORKER_MANAGER_{name}", value)
    return Repository(state_root(), str(repository), os.environ).own_fleet()


@pytest.mark.promise("watch-supervises")
def test_with_nothing_but_watch_open_budgets_and_deadlines_are_kept_and_queued_ones_start(
    repository: Path, mine: Fleet, person_socket: str
) -> None:
    first = mine.start(StartRequest("first", HANG, budget_tokens=1000)).worker
    wait_until(lambda: mine.records.load(first.id).status is Status.RUNNING)
    queued = mine.start(StartRequest("next", script({"complete": "DONE-1"}))).worker
    assert queued.status is Status.QUEUED
    terminal = Terminal(person_socket)
    terminal.run("watch", cwd=repository)
    terminal.wait_for("2 workers")

    spend(mine, first, 850)
    wait_until(lambda: letters_to(mine, first) == ["budget"])

    spend(mine, first, 200)
    wait_until(lambda: mine.records.load(first.id).status is Status.STOPPED)
    wait_until(lambda: mine.records.load(queued.id).status is Status.COMPLETED)


@pytest.mark.promise("watch-looks")
def test_watch_leaves_the_workers_of_sessions_to_their_sessions(
    repository: Path, mine: Fleet, tmux_socket: str, person_socket: str
) -> None:
    theirs = make_fleet(repository, tmux_socket)
    lost = {"status": Status.RUNNING, "starter": "", "launched": True}
    gone = recorded_worker(theirs, repository, title="theirs", **lost)
    homes = theirs.home, theirs.records.home(gone.id)
    before = [files_below(home) for home in homes]
    vanished = recorded_worker(mine, repository, title="mine", **lost)

    terminal = Terminal(person_socket)
    terminal.run("watch", cwd=repository)

    terminal.wait_for("2 workers")
    wait_until(lambda: mine.records.load(vanished.id).status is Status.FAILED)
    assert [files_below(home) for home in homes] == before
