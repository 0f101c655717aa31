"""What a session costs whose workers wait: how often its server wakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.measuring import Plan, Row
from bench.stage import Stage, add_worker, stage
from worker_manager.domain.worker import Status
from worker_manager.state.workers.records import now

_WORKERS, _SECONDS, _SHORT_SECONDS = 20, 60.0, 6.0
_CALL = {"method": "tools/call", "params": {"name": "list_workers", "arguments": {}}}
_CLIENT = {"capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
_BEGIN = {"method": "initialize", "params": {"protocolVersion": "2025-11-25", **_CLIENT}}
_BEGUN = {"method": "notifications/initialized"}


def rows(plan: Plan) -> Iterator[Row]:
    """With 20 workers that wait for an answer, after a tool was called. Where Linux counts."""
    if not os.path.isdir("/proc/self"):
        return
    with stage() as world:
        fleet = world.fleet()
        for _ in range(_WORKERS):
            worker = add_worker(fleet, world)
            fleet.records.update(
                worker.id, lambda one: one._replace(status=Status.ASKING, changed_at=now())
            )
        with _serve(world) as server:
            time.sleep(2)
            wakes, used = _wakes(server.pid), psutil.Process(server.pid).cpu_times()
            seconds = _SECONDS if plan.rounds > 10 else _SHORT_SECONDS
            time.sleep(seconds)
            after = psutil.Process(server.pid).cpu_times()
            wakes = _wakes(server.pid) - wakes
            server.kill()
    what = f"idle server, 20 workers, {seconds:.0f} s"
    spent = sum(after[:2]) - sum(used[:2])
    yield Row(f"{what}: wakes", "one", wakes, 1.0, 0.4, unit="times")
    yield Row(f"{what}: CPU", "a tick of the clock", spent, 0.01, 0.4)


def _serve(world: Stage) -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, "-I", "-m", "worker_manager"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**world.environ, "WORKER_MANAGER_TMUX_SOCKET": world.socket},
        cwd=world.repository,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    for message in ({"id": 1, **_BEGIN}, _BEGUN, {"id": 2, **_CALL}):
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        server.stdin.flush()
        if "id" in message:
            server.stdout.readline()
    return server


def _wakes(pid: int) -> int:
    """How often any thread of it has had to wait for something."""
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    lines = [line for one in tasks for line in one.read_text("ascii").splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary"))
