"""What is known of a worker, and what that costs."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.scripted.workers import HANG, running_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.views.facts import facts_of


def test_of_a_worker_that_was_started_just_now_git_counts_nothing(
    fleet: Fleet, calls: Callable[[str], list[str]]
) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    calls("git")

    facts = facts_of(fleet, worker)

    assert calls("git") == []
    assert (facts.status, facts.commits, facts.changed_files) == ("starting", 0, 0)
    in_place = fleet.start(StartRequest("t", HANG, use_worktree=False)).worker
    assert facts_of(fleet, in_place).commits is None


def test_of_a_worker_that_has_begun_git_counts(
    fleet: Fleet, calls: Callable[[str], list[str]]
) -> None:
    worker = running_worker(fleet)
    calls("git")

    assert facts_of(fleet, worker).commits == 0

    assert calls("git") != []
