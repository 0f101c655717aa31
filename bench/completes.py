"""Workers that complete: one, and twenty at the same moment, the first call of each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from bench import processes, syncs
from bench.builds import Build, own
from bench.client import Server
from bench.crew import Crew, Worker, commit, crew
from bench.measuring import Cost, Plan, Row, cost_rows, costs_in_turns

_WORKERS, _SYNCS = 20, 4.0


class _Crowd(NamedTuple):
    """What twenty at once took, how many counted, and the memory (PSS) of their servers."""

    cost: Cost
    counted: int
    held: float


def rows(plan: Plan) -> Iterator[Row]:
    """How often one waits for the disk; beside an earlier version what one and twenty take."""
    builds = [own(), *([plan.other] if plan.other else [])]
    with ExitStack() as stack:
        crews = [stack.enter_context(crew(build)) for build in builds]
        if syncs.can_count():
            times = 1 if plan.rounds < 10 else 3
            counts = [_syncs(one, times) for one in crews]
            yield syncs.row("complete", _SYNCS, counts, plan.other)
        if plan.other:
            yield from _beside(plan.rounds, plan.other, crews)


def _beside(rounds: int, other: Build, crews: Sequence[Crew]) -> Iterator[Row]:
    one = costs_in_turns(min(rounds, 7), [partial(_complete_one, made) for made in crews])
    yield Row("complete, on a warm server", other.name, one[0].wall, one[1].wall, 1.0)
    taken = [[_together(made) for made in crews] for _ in range(1 if rounds < 10 else 3)]
    ours, theirs = zip(*taken, strict=True)
    what = f"{_WORKERS} complete at once"
    yield from cost_rows(what, other.name, _median(ours), _median(theirs), 0.08)
    lost = [_WORKERS - min(one.counted for one in crowd) for crowd in (ours, theirs)]
    yield Row(f"{what}: lost, and one", other.name, lost[0] + 1.0, 1.0, 1.0, unit="times")
    held, before = (statistics.median(one.held for one in crowd) for crowd in (ours, theirs))
    yield Row(f"{_WORKERS} workers' servers after it", other.name, held, before, 0.3, unit="B")


def _median(crowds: Sequence[_Crowd]) -> Cost:
    return Cost(
        statistics.median(one.cost.wall for one in crowds),
        statistics.median(one.cost.cpu for one in crowds),
    )


def _syncs(made: Crew, times: int) -> float:
    """On a server that has answered before."""
    with made.orchestrator() as orchestrator:
        workers = [_done(made, orchestrator) for _ in range(times)]
    return statistics.median(
        syncs.count(partial(_warm, made, worker), _complete) for worker in workers
    )


def _warm(made: Crew, worker: Worker, words: list[str] | None = None) -> Server:
    server = made.server_of(worker, words)
    server.call("ask", question="Which?")
    return server


def _complete_one(made: Crew) -> Cost:
    """On a server that has answered before, of a worker that has not reported."""
    with made.orchestrator() as orchestrator:
        worker = _done(made, orchestrator)
        with _warm(made, worker) as server:
            return _cost([server], lambda: _complete(server))


def _together(made: Crew) -> _Crowd:
    """Each is the first call of its server."""
    with made.orchestrator() as orchestrator, ExitStack() as stack:
        workers = [_done(made, orchestrator) for _ in range(_WORKERS)]
        servers = [stack.enter_context(made.server_of(worker)) for worker in workers]
        cost = _cost([orchestrator, *servers], lambda: _complete_all(servers))
        listed = orchestrator.call("list_workers")["workers"]
        ids = {worker.id for worker in workers}
        counted = sum(one["id"] in ids and one["status"] == "completed" for one in listed)
        held = sum(server.pss() for server in servers)
        for worker in workers:
            orchestrator.call("stop_worker", id=worker.id, force=True)
    return _Crowd(cost, counted, held)


def _done(made: Crew, orchestrator: Server) -> Worker:
    """A worker that has only to report."""
    worker = made.worker(orchestrator)
    commit(made, worker)
    return worker


def _complete(server: Server) -> None:
    server.call("complete", summary="Done.")


def _complete_all(servers: Sequence[Server]) -> None:
    """A call that fails is one that doesn't count."""
    calls = [server.begin("complete", summary="Done.") for server in servers]
    for server, call in zip(servers, calls, strict=True):
        server.answer(call)


def _cost(servers: Sequence[Server], run: Callable[[], object]) -> Cost:
    pids = [server.pid for server in servers]
    used, start = processes.cpu(pids), time.perf_counter()
    run()
    wall = time.perf_counter() - start
    return Cost(wall, processes.cpu(pids) - used)
