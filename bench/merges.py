"""A merge that can't be: what it takes to say so, however large the conflict is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from bench.measuring import Plan, Row, in_turns, seconds
from bench.stage import Stage, add_worker, stage
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import MergeRefused

#: Of lines that each look like the opening of a conflict: 10 MB.
_LINES = 400_000


def rows(plan: Plan) -> Iterator[Row]:
    """Beside the trial of git's that finds the conflict."""
    with stage() as world:
        fleet = world.fleet()
        worker = _in_conflict(fleet, world)
        trial = ["merge-tree", "--write-tree", "main", worker.branch]
        floor = partial(_git, world, *trial, check=False)
        ours = partial(seconds, partial(_refused, fleet, worker))
        took, least = in_turns(min(plan.rounds, 5), ours, partial(seconds, floor))
        yield Row("refuse a conflict of 10 MB", "git merge-tree alone", took, least, 2.0)


def _in_conflict(fleet: Fleet, world: Stage) -> Worker:
    """A worker that has completed, whose branch and main have changed the same file."""
    worker = add_worker(fleet, world)
    fleet.records.update(worker.id, lambda one: one._replace(status=Status.COMPLETED))
    file, rest = world.repository / "large", "<<<<<<< no end of it\n" * _LINES
    for branch in (worker.branch, "main"):
        _git(world, "switch", "-q", branch)
        file.write_text(f"{branch}\n{rest}", "utf-8")
        _git(world, "add", "large")
        _git(world, "commit", "-q", "-m", branch)
    return worker


def _refused(fleet: Fleet, worker: Worker) -> None:
    with suppress(MergeRefused):
        fleet.merge(worker.id, MergeOptions())
        raise AssertionError("it is in")


def _git(world: Stage, *arguments: str, check: bool = True) -> None:
    command = ["git", "-C", str(world.repository), *arguments]
    subprocess.run(command, check=check, capture_output=True)
