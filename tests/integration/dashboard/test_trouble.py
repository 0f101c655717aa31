"""What the live view does when the world around it breaks: it says so, and goes on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.scripted.workers import recorded_worker, running_worker
from tests.support.terminals.tmux import hanging
from tests.support.terminals.watching import watching
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.repository import Repository
from worker_manager.domain.worker import Status
from worker_manager.state.layout import state_root
from worker_manager.state.workers.records import now
from worker_manager.views.gatherer import GONE, Gatherer

pytestmark = pytest.mark.anyio


async def test_a_silent_tmux_is_told_and_holds_nothing_up(
    fleet: Fleet, watched: Repository, tmux_socket: str
) -> None:
    running_worker(fleet)

    async with watching(watched) as view:
        await view.sees("running")
        with hanging(tmux_socket):
            await view.sees("tmux does not answer")
            late = recorded_worker(fleet, watched.directory, title="late", status=Status.RUNNING)
            await view.sees("late")
            assert late.id in view.app.gatherer._known
        await view.until(lambda: "tmux does not answer" not in view.screen, "its recovery")


async def test_a_terminal_that_is_gone_is_seen_and_nothing_is_concluded(
    fleet: Fleet, watched: Repository
) -> None:
    handle = watched.runtime.handle_for("never-there")
    running_worker(fleet)  # tmux answers
    worker = recorded_worker(
        fleet, watched.directory, handle=handle, launched=True, status=Status.RUNNING
    )

    async with watching(watched) as view:
        await view.sees("! gone", "its terminal is gone", "2 workers, 1 needs you")

    assert fleet.records.load(worker.id).status is Status.RUNNING


async def test_a_state_directory_that_vanishes_is_told_and_what_was_known_stays(
    fleet: Fleet, watched: Repository
) -> None:
    recorded_worker(fleet, watched.directory, title="was here", status=Status.RUNNING)

    async with watching(watched) as view:
        await view.sees("was here")
        os.rename(state_root(), f"{state_root()}-away")
        await view.sees("is gone: this is what was known before")
        assert "was here" in view.screen
        await view.press("n")
        await view.type("hello")
        await view.sees("has no worker")

        shutil.rmtree(state_root(), ignore_errors=True)
        os.rename(f"{state_root()}-away", state_root())
        await view.until(lambda: "known before" not in view.screen, "its recovery")


async def test_a_damaged_record_is_named_and_the_others_are_shown(
    fleet: Fleet, watched: Repository
) -> None:
    recorded_worker(fleet, watched.directory, title="fine", status=Status.RUNNING)
    broken = recorded_worker(fleet, watched.directory, title="torn")
    record = Path(fleet.records.home(broken.id), "worker.json")
    record.write_text("{", "utf-8")

    async with watching(watched, size=(200, 40)) as view:
        await view.sees("fine", f"Damaged, can't be read: {record}")

    assert record.read_text("utf-8") == "{"


def test_one_that_has_come_back_is_not_taken_for_gone_until_the_next_probe(
    fleet: Fleet, watched: Repository
) -> None:
    handle = watched.runtime.handle_for("never-there")
    running_worker(fleet)  # tmux answers
    worker = recorded_worker(
        fleet, watched.directory, handle=handle, launched=True, status=Status.RUNNING
    )
    gatherer = Gatherer(watched)
    gatherer.gather()
    gatherer.probe()
    assert GONE in {one.facts.reason for one in gatherer.gather().sightings}

    fleet.records.update(worker.id, lambda one: one.end(at=now(), reason="killed"))
    gatherer.gather()
    fleet.records.update(worker.id, lambda one: one._replace(status=Status.RUNNING))

    assert GONE not in {one.facts.reason for one in gatherer.gather().sightings}
