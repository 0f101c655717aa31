"""The servers: from their start to the tools, and what they hold when nothing is called."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import psutil

from bench.builds import Build, own
from bench.crew import Crew, Worker, commit, crew
from bench.measuring import Cost, Plan, Row, cost_rows, costs_in_turns, in_turns, seconds
from bench.stage import Stage, stage

_CLIENT = {"capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
_MESSAGES = (
    {"id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", **_CLIENT}},
    {"method": "notifications/initialized"},
    {"id": 1, "method": "tools/list"},
)
_OURS = [sys.executable, "-I", "-m", "worker_manager"]
#: The SDK with one tool, and nothing of ours.
_PLAIN = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("plain")
server.add_tool(lambda: "x", name="x")
server.run()
"""
#: What no server can do without: a Python that reads and answers lines.
_BARE = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {}}), flush=True)
"""


class Begun(NamedTuple):
    """How long a server took to list its tools, in seconds, and what it then held, in bytes."""

    seconds: float
    size: int


def rows(plan: Plan) -> Iterator[Row]:
    """The start beside node and a bare loop, memory beside the SDK's own server; the first result
    and what is held after it beside an earlier version.
    """
    with stage() as world:
        ours = partial(_begin, _OURS, world)
        if shutil.which("node"):
            node = partial(seconds, partial(subprocess.run, ["node", "-e", "0"], check=True))
            took, floor = in_turns(plan.rounds, lambda: ours().seconds, node)
            yield Row("server: start to tools/list", "node -e 0", took, floor, 8.0)
        bare = partial(_begin, [sys.executable, "-c", _BARE], world)
        took, floor = in_turns(plan.rounds, lambda: ours().seconds, lambda: bare().seconds)
        yield Row("server: start to tools/list", "bare stdio loop", took, floor, 3.0)
        plain = partial(_begin, [sys.executable, "-c", _PLAIN], world)
        held, floor = in_turns(2, lambda: ours().size, lambda: plain().size)
        yield Row("memory of an idle server", "the SDK's server", held, floor, 0.5, unit="B")
    if plan.other:
        yield from _beside(plan.rounds, plan.other)


def _beside(rounds: int, other: Build) -> Iterator[Row]:
    with crew(own()) as ours, crew(other) as theirs:
        everybody = [_Session(ours), _Session(theirs)]
        name = other.name
        for role, goal in (("worker", 0.12), ("orchestrator", 0.15)):
            what = f"spawn to first result, {role}"
            took, before = costs_in_turns(
                rounds, [partial(one.first_result, role) for one in everybody]
            )
            yield from cost_rows(what, name, took, before, goal)
        held, more = (statistics.median(one.held() for _ in range(3)) for one in everybody)
        yield Row("memory (PSS) of a worker's server", name, held, more, 0.35, unit="B")


class _Session:
    """A crew with a worker."""

    def __init__(self, made: Crew) -> None:
        self._crew = made
        self._worker = self._new_worker()

    def first_result(self, role: str) -> Cost:
        """From the start of a server to what the first call gives; the CPU of its whole life."""
        start = time.perf_counter()
        if role == "worker":
            server = self._crew.server_of(self._worker)
            server.call("ask", question=f"Which, {start}?")  # the same is delivered once
        else:
            server = self._crew.orchestrator()
            server.call("list_workers")
        wall = time.perf_counter() - start
        return Cost(wall, server.end().cpu)

    def held(self) -> float:
        """What a worker's server holds after both of its calls, in bytes."""
        worker = self._new_worker()
        with self._crew.server_of(worker) as server:
            server.call("ask", question="Which?")
            server.call("complete", summary="Done.")
            return server.pss()

    def _new_worker(self) -> Worker:
        with self._crew.orchestrator() as server:
            worker = self._crew.worker(server)
        commit(self._crew, worker)
        return worker


def _begin(command: Sequence[str], world: Stage) -> Begun:
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=world.environ,
        cwd=world.repository,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for message in _MESSAGES:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        server.stdin.flush()
        for _ in range(2):
            server.stdout.readline()
        took = time.perf_counter() - start
        size = psutil.Process(server.pid).memory_info().rss
        server.stdin.close()
    return Begun(took, size)
