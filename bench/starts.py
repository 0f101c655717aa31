"""Starting workers by the orchestrator's server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from bench import processes
from bench.builds import Build, own
from bench.client import Server
from bench.crew import Crew, crew, git
from bench.measuring import Cost, Plan, Row, cost_rows, costs_in_turns, in_turns, seconds

_PROGRAM = "import time; time.sleep(1000)"
#: What a worker does once it was started, and at its end, must not be measured with the next one.
_SETTLE_SECONDS = 0.7
_TOGETHER, _SHARE = 20, 0.7


def rows(plan: Plan) -> Iterator[Row]:
    """Beside git and tmux alone, and beside an earlier version."""
    builds = [own(), *([plan.other] if plan.other else [])]
    with ExitStack() as stack:
        crews = [stack.enter_context(crew(build)) for build in builds]
        servers = [stack.enter_context(made.orchestrator()) for made in crews]
        starts = [partial(_start, *one) for one in zip(crews, servers, strict=True)]
        for use_worktree, goal, known in ((True, 1.3, 2.5), (False, 1.6, 3.0)):
            what = f"start over MCP, {'worktree' if use_worktree else 'in place'}"
            ours, *theirs = (partial(start, use_worktree=use_worktree) for start in starts)
            bare = partial(_bare_start, crews[0], use_worktree=use_worktree)
            took, floor = in_turns(plan.rounds, ours, bare)
            yield Row(what, "git and tmux alone", took, floor, goal, known)
            if plan.other:
                took, before = in_turns(plan.rounds, ours, *theirs)
                yield Row(what, plan.other.name, took, before, _SHARE)
    if plan.other:
        yield from _all_at_once(plan.rounds, plan.other)


def _all_at_once(rounds: int, other: Build) -> Iterator[Row]:
    with crew(own()) as ours, crew(other) as theirs:
        measures = [partial(_together, made) for made in (ours, theirs)]
        took, before = costs_in_turns(1 if rounds < 10 else 3, measures)
        yield from cost_rows(f"{_TOGETHER} started at once", other.name, took, before, _SHARE)


def _start(made: Crew, server: Server, *, use_worktree: bool) -> float:
    """To the answer of the tool: the session begins meanwhile."""
    began = time.perf_counter()
    info = server.call("start_worker", title="t", task="-", use_worktree=use_worktree)
    took = time.perf_counter() - began
    made.checked_in(info)
    server.call("stop_worker", id=info["id"], force=True)
    time.sleep(_SETTLE_SECONDS)
    return took


def _bare_start(made: Crew, *, use_worktree: bool) -> float:
    """What must be done in any case: a worktree, a session with a program in it."""
    name = uuid.uuid4().hex[:8]
    path = made.folder / "bare" / name
    tmux = ["tmux", "-L", made.socket, "-f", os.devnull, "new-session", "-d", "-s", name]

    def start() -> None:
        if use_worktree:
            git(made, "worktree", "add", "-q", "-b", name, str(path))
        program = [sys.executable, "-I", "-c", _PROGRAM]
        subprocess.run([*tmux, *program], env=made.environ, check=True)

    took = seconds(start)
    subprocess.run(
        ["tmux", "-L", made.socket, "kill-session", "-t", name], env=made.environ, check=True
    )
    time.sleep(_SETTLE_SECONDS)
    return took


def _together(made: Crew) -> Cost:
    """Until the sessions of all have run their first hooks, each with its server."""
    (made.folder / "with-servers").touch()
    with made.orchestrator() as server:
        info = server.call("start_worker", title="t", task="-")
        made.checked_in(info)  # tmux runs from now on
        everybody = [server.pid, made.tmux_pid()]
        used, began = processes.cpu(everybody), time.perf_counter()
        calls = [server.begin("start_worker", title="t", task="-") for _ in range(_TOGETHER)]
        started = [server.result(call) for call in calls]
        for one in started:
            made.checked_in(one)
        cost = Cost(time.perf_counter() - began, processes.cpu(everybody) - used)
        running = made.statuses(server).count("running")
        if running < _TOGETHER:
            raise RuntimeError(f"Of {_TOGETHER} workers {running} run.")
        for one in (info, *started):
            server.call("stop_worker", id=one["id"], force=True)
    return cost
