"""Budgets: told near their end, asked to stop at it, each once."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.scripted.workers import HANG, letters_to, running_worker, take_news
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import BudgetSpent, InvalidInput
from worker_manager.state.mail import receipts

MakeFleet = Callable[..., Fleet]


@pytest.fixture
def make(repository: Path, tmux_socket: str) -> MakeFleet:
    """Makes a fleet with settings."""
    return lambda **settings: make_fleet(repository, tmux_socket, **settings)


def spend(fleet: Fleet, worker: Worker, tokens: int, *, cached: int = 0) -> None:
    """A transcript as Claude Code writes it, for the worker's session."""
    home = fleet.records.home(worker.id)
    # Its SessionStart hook notes the transcript of the script after it has checked in.
    wait_until(Path(home, receipts.TRANSCRIPT).exists)
    usage = {"input_tokens": tokens, "output_tokens": 0, "cache_read_input_tokens": cached}
    message = {"id": f"msg-{tokens}-{cached}", "usage": usage, "model": "claude-opus-5-5"}
    path = Path(home, "transcript.jsonl")
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"type": "assistant", "message": message}) + "\n")
    Path(home, receipts.TRANSCRIPT).write_bytes(os.fsencode(path))


def kinds(fleet: Fleet) -> list[str]:
    return [kind for kind, _ in take_news(fleet)]


@pytest.mark.promise("budget-told")
def test_a_worker_is_told_at_80_and_asked_to_stop_at_100(make: MakeFleet) -> None:
    fleet = make(budget_tokens=1000)
    worker = running_worker(fleet)
    spend(fleet, worker, 799, cached=50_000)
    fleet.supervisor.supervise_once()
    assert letters_to(fleet, worker) == []

    spend(fleet, worker, 1)
    fleet.supervisor.supervise_once()
    fleet.supervisor.supervise_once()
    assert letters_to(fleet, worker) == ["budget"]
    assert kinds(fleet) == []

    spend(fleet, worker, 200)
    fleet.supervisor.supervise_once()
    fleet.supervisor.supervise_once()
    assert sorted(letters_to(fleet, worker)) == ["budget", "shutdown"]
    assert kinds(fleet) == ["budget"]
    assert fleet.worker(worker.id).stop_due


@pytest.mark.promise("budget-told")
def test_who_goes_on_after_the_end_of_its_budget_is_not_asked_again(make: MakeFleet) -> None:
    fleet = make(budget_tokens=1000)
    worker = running_worker(fleet)
    spend(fleet, worker, 1000)
    fleet.supervisor.supervise_once()

    reports.ask(fleet.records, worker.id, "May I go on?")
    fleet.nudge(worker.id, "yes")
    fleet.supervisor.supervise_once()

    after = fleet.worker(worker.id)
    assert (after.status, after.stop_requested) == (Status.RUNNING, False)


@pytest.mark.promise("budget-told")
def test_a_letter_that_a_crash_kept_back_is_told_later(make: MakeFleet) -> None:
    fleet = make(budget_tokens=1000)
    worker = running_worker(fleet)
    spend(fleet, worker, 1000)
    fleet.ask_to_stop(worker.id)  # as far as the killed one came

    fleet.supervisor.supervise_once()

    assert kinds(fleet) == ["budget"]
    assert letters_to(fleet, worker) == ["shutdown"]


@pytest.mark.promise("budget-told")
def test_the_budget_of_a_session_is_that_of_all_its_workers(make: MakeFleet) -> None:
    fleet = make(session_budget_tokens=1000)
    first, second = running_worker(fleet), running_worker(fleet)
    spend(fleet, first, 500)
    spend(fleet, second, 300)
    fleet.supervisor.supervise_once()
    fleet.supervisor.supervise_once()
    assert take_news(fleet) == [("budget", first.id)]
    assert not fleet.worker(first.id).stop_requested

    spend(fleet, second, 201)
    fleet.supervisor.supervise_once()
    fleet.supervisor.supervise_once()

    assert take_news(fleet) == [("budget", second.id)]
    assert all(fleet.worker(one.id).stop_requested for one in (first, second))
    with pytest.raises(BudgetSpent, match="1,001 tokens"):
        fleet.start(StartRequest("t", HANG))


def test_after_the_end_of_its_budget_a_session_starts_nothing_queued(make: MakeFleet) -> None:
    fleet = make(session_budget_tokens=1000, max_workers=1)
    first = running_worker(fleet)
    queued = fleet.start(StartRequest("t", HANG)).worker
    spend(fleet, first, 1000)
    fleet.stop(first.id)

    fleet.supervisor.supervise_once()

    assert fleet.worker(queued.id).status is Status.QUEUED


def test_a_start_has_its_own_budget_or_none(make: MakeFleet) -> None:
    fleet = make(budget_tokens=1000)

    assert fleet.start(StartRequest("t", HANG, budget_tokens=5)).worker.budget_tokens == 5
    assert fleet.start(StartRequest("t", HANG, budget_tokens=0)).worker.budget_tokens == 0
    assert fleet.start(StartRequest("t", HANG)).worker.budget_tokens == 1000
    with pytest.raises(InvalidInput, match="budget_tokens is -1"):
        fleet.start(StartRequest("t", HANG, budget_tokens=-1))
