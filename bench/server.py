"""The servers: from their start to the tools, and what they hold when nothing is called."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import psutil

from bench.measuring import Row, in_turns, seconds
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


def rows(rounds: int) -> Iterator[Row]:
    """Time beside node and a bare loop, memory beside the SDK's own server."""
    with stage() as world:
        ours = partial(_begin, _OURS, world)
        if shutil.which("node"):
            node = partial(seconds, partial(subprocess.run, ["node", "-e", "0"], check=True))
            took, floor = in_turns(rounds, lambda: ours().seconds, node)
            yield Row("server: start to tools/list", "node -e 0", took, floor, 8.0)
        bare = partial(_begin, [sys.executable, "-c", _BARE], world)
        took, floor = in_turns(rounds, lambda: ours().seconds, lambda: bare().seconds)
        yield Row("server: start to tools/list", "bare stdio loop", took, floor, 3.0)
        plain = partial(_begin, [sys.executable, "-c", _PLAIN], world)
        held, floor = in_turns(2, lambda: ours().size, lambda: plain().size)
        yield Row("memory of an idle server", "the SDK's server", held, floor, 0.5, unit="B")


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
