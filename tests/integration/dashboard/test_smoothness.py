"""A hundred workers: what one look costs is counted, not timed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.audited import audited
from tests.support.scripted.bench import add_worker
from tests.support.scripted.workers import recorded_worker
from tests.support.terminals.watching import watching
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.repository import Repository
from worker_manager.domain.worker import Status
from worker_manager.state.workers.records import RECORD
from worker_manager.views.gatherer import MEASURED_AT_ONCE, QUIET_SECONDS, Gatherer

CROWD = 100


@pytest.fixture
def crowd(fleet: Fleet, repository: Path) -> list[str]:
    """The ids of a hundred workers that have checked in."""
    one = add_worker(fleet, repository)  # a worktree for all of them
    shutil.rmtree(fleet.records.home(one.id))
    where = {"path": one.path, "branch": one.branch, "base_sha": one.base_sha}
    given = {**where, "status": Status.RUNNING, "launched": True}
    return [
        recorded_worker(fleet, repository, title=f"number {n}x", **given).id for n in range(CROWD)
    ]


def records_read(opened: list[tuple[Any, ...]]) -> list[str]:
    """The ids of the workers whose records were opened since the last time."""
    paths = [Path(path) for path, *_ in opened if isinstance(path, str)]
    opened.clear()
    return [path.parent.name for path in paths if path.name == RECORD]


def test_a_look_reads_only_records_that_have_changed_and_runs_no_program(
    crowd: list[str], watched: Repository, calls: Callable[[str], list[str]]
) -> None:
    gatherer = Gatherer(watched)
    with audited("open") as opened:
        assert len(gatherer.gather().sightings) == CROWD
        assert sorted(records_read(opened)) == sorted(crowd)

        gatherer.gather()
        assert records_read(opened) == []

        watched.records.update(crowd[7], lambda one: one.adopt("somebody", at="t"))
        opened.clear()
        assert gatherer.gather().sightings[7].worker.owner == "somebody"
        assert records_read(opened) == [crowd[7]]
    assert calls("git") == calls("tmux") == []


@pytest.mark.promise("watch-many")
def test_git_is_asked_for_few_at_a_time_and_for_those_that_are_seen_first(
    crowd: list[str], watched: Repository, calls: Callable[[str], list[str]]
) -> None:
    gatherer = Gatherer(watched)
    gatherer.gather()
    seen = set(crowd[40:50])

    for _ in range(3):
        assert gatherer.measure(seen, at=1.0) == MEASURED_AT_ONCE
        assert len(calls("git")) == 3 * MEASURED_AT_ONCE
    known = [one for one in gatherer.gather().sightings if one.facts.commits is not None]
    assert seen <= {one.worker.id for one in known}

    while gatherer.measure(seen, at=1.0):
        pass
    calls("git")
    assert gatherer.measure(seen, at=2.0) == 0
    assert gatherer.measure(seen, at=1.0 + QUIET_SECONDS) == MEASURED_AT_ONCE


def test_the_runtime_is_asked_once_for_all(
    crowd: list[str], watched: Repository, calls: Callable[[str], list[str]]
) -> None:
    gatherer = Gatherer(watched)
    gatherer.gather()

    gatherer.probe()

    assert len(calls("tmux")) == 1


@pytest.mark.anyio
async def test_a_hundred_workers_can_be_walked_through(
    crowd: list[str], watched: Repository
) -> None:
    async with watching(watched) as view:
        await view.sees("100 workers", "number 0x")
        await view.press("end")
        await view.sees("number 99x")
        await view.press("pageup", "up")
        await view.press("slash")
        await view.type("42x")
        await view.until(lambda: view.titles == ["number 42x"], "the one")
