"""A question that is delivered and not waited for."""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from bench import syncs
from bench.builds import own
from bench.client import Server
from bench.crew import Crew, Worker, crew
from bench.measuring import Plan, Row, in_turns, seconds

_SYNCS, _FIRST_SYNCS, _SHARE = 4.0, 8.0, 0.5


def rows(plan: Plan) -> Iterator[Row]:
    """How often it waits for the disk; on a server that has answered before, how long it takes."""
    builds = [own(), *([plan.other] if plan.other else [])]
    with ExitStack() as stack:
        crews = [stack.enter_context(crew(build)) for build in builds]
        if syncs.can_count():
            times = 1 if plan.rounds < 10 else 3
            counts = [_syncs(one, times) for one in crews]
            later, first = zip(*counts, strict=True)
            yield syncs.row("ask, not waiting", _SYNCS, later, plan.other)
            yield syncs.row("a worker's first ask", _FIRST_SYNCS, first, plan.other)
        if plan.other:
            ours, theirs = (
                partial(seconds, partial(_ask, stack.enter_context(_server(one)))) for one in crews
            )
            took, before = in_turns(plan.rounds * 4, ours, theirs)
            yield Row("ask, not waiting", plan.other.name, took, before, _SHARE)


def _server(made: Crew) -> Server:
    """That of a new worker."""
    with made.orchestrator() as orchestrator:
        worker = made.worker(orchestrator)
    return made.server_of(worker)


def _syncs(made: Crew, times: int) -> tuple[float, float]:
    """On a server that has answered before, and when it has not."""
    with made.orchestrator() as orchestrator:
        workers = [made.worker(orchestrator) for _ in range(times)]
    first = [syncs.count(partial(made.server_of, one), _ask) for one in workers]
    later = [syncs.count(partial(_warm, made, one), _ask) for one in workers]
    return statistics.median(later), statistics.median(first)


def _warm(made: Crew, worker: Worker, words: list[str]) -> Server:
    server = made.server_of(worker, words)
    _ask(server)
    return server


def _ask(server: Server) -> None:
    question = f"Which, {uuid.uuid4()}?"  # the same once more is delivered once
    server.call("ask", question=question)
