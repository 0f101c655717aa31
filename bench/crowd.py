"""Many workers: listing them, and what they cost hooks that have nothing to do with them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial

from bench.hooks import quiet_hook, with_letters
from bench.measuring import Plan, Row, in_turns, seconds
from bench.stage import Stage, add_worker, stage
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Status
from worker_manager.views.facts import COUNTED_MOST, Snapshots

_FINISHED, _LIVE = 1_000, 50


def rows(plan: Plan) -> Iterator[Row]:
    """Beside one question to tmux; beside the same hook in an empty state directory."""
    for count in (10, 100, 1_000):
        if count > 100 and plan.rounds < 10:
            continue  # half a minute to set up
        with stage() as world:
            fleet, snapshots = world.fleet(), None
            for _ in range(count):
                add_worker(fleet, world)
            snapshots = Snapshots(fleet)
            for _ in range(1 + count // COUNTED_MOST):
                _list(fleet, snapshots)  # git has been asked once
            ours, floor = in_turns(
                plan.rounds, partial(_list, fleet, snapshots), partial(_bare_list, world)
            )
            yield Row(f"list {count:,} workers", "tmux list-sessions", ours, floor, 1.6)
    with stage() as crowded, stage() as empty:
        _crowd(crowded.fleet(), crowded)
        for what, hook in (
            ("nothing to do", partial(quiet_hook, "UserPromptSubmit")),
            ("a letter", partial(with_letters, 1)),
        ):
            ours, floor = in_turns(plan.rounds * 3, partial(hook, crowded), partial(hook, empty))
            yield Row(f"hook, {what}, beside 1,050 workers", "with none", ours, floor, 1.1)


def _crowd(fleet: Fleet, world: Stage) -> None:
    worker = add_worker(fleet, world)
    for number in range(_FINISHED + _LIVE):
        status = Status.RUNNING if number < _LIVE else Status.STOPPED
        fleet.records.create(worker._replace(id=f"{number:08x}", status=status))


def _list(fleet: Fleet, snapshots: Snapshots) -> float:
    """As the tool does it, but for the form of its answer."""

    def run() -> None:
        everybody = fleet.records.all()
        snapshots.of_own(everybody)
        fleet.orphans(everybody)
        fleet.records.damaged()

    return seconds(run)


def _bare_list(world: Stage) -> float:
    command = ["tmux", "-L", world.socket, "list-sessions"]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True))
