"""Starting workers, listing them, speaking to them: as the tools do it, without the SDK."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

from bench.mail import bare_letter
from bench.measuring import Plan, Row, in_turns, seconds
from bench.stage import Stage, add_worker, stage
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain import identifiers
from worker_manager.domain.worker import Worker

_PROGRAM = "import time; time.sleep(1000)"
#: What a stopped worker does at its end must not be measured with the next one.
_ENDING_SECONDS = 0.7
_HANG = '```steps\n[{"hang": true}]\n```'


def rows(plan: Plan) -> Iterator[Row]:
    """Beside git and tmux alone."""
    if plan.rounds > 10:  # the repository alone takes a while
        with stage(files=20_000) as world:
            ours, floor = in_turns(
                5,
                partial(_start, world.fleet(), use_worktree=True),
                partial(_bare_start, world, use_worktree=True),
            )
            yield Row("the same, of 20,000 files", "git and tmux alone", ours, floor, 1.0)
    with stage() as world:
        fleet = world.fleet()
        worker = add_worker(fleet, world)
        letter = partial(bare_letter, world.folder)
        ours, floor = in_turns(plan.rounds * 5, partial(_nudge, fleet, worker), letter)
        yield Row("nudge a worker", "write, fsync, rename, fsync", ours, floor, 1.5)


def _start(fleet: Fleet, *, use_worktree: bool) -> float:
    wanted = StartRequest("t", _HANG, use_worktree=use_worktree)
    started = []
    took = seconds(lambda: started.append(fleet.start(wanted)))
    fleet.stop(started[0].worker.id)
    time.sleep(_ENDING_SECONDS)
    return took


def _bare_start(world: Stage, *, use_worktree: bool) -> float:
    """What must be done in any case: a worktree, a session with a program in it."""
    name = identifiers.random_hex(4)
    path = world.folder / "bare" / name
    git = ["git", "-C", str(world.repository), "worktree", "add", "-q", "-b", name, str(path)]
    tmux = ["tmux", "-L", world.socket, "-f", os.devnull, "new-session", "-d", "-s", name]

    def run() -> None:
        if use_worktree:
            subprocess.run(git, check=True)
        subprocess.run([*tmux, sys.executable, "-I", "-c", _PROGRAM], check=True)

    took = seconds(run)
    time.sleep(_ENDING_SECONDS)
    return took


def _nudge(fleet: Fleet, worker: Worker) -> float:
    return seconds(lambda: fleet.nudge(worker.id, "Go on."))
