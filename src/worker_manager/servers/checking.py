"""Runs a worker's checks beside its server, which goes on answering."""

import threading
import time
from collections.abc import Sequence
from functools import partial

import anyio
from mcp.server.mcpserver import Context

from worker_manager import checks
from worker_manager.checks import Result

PROGRESS_SECONDS = 10.0


async def run(context: Context, wanted: Sequence[str], *, cwd: str, seconds: float) -> list[Result]:
    """How each check went; raises ChecksFailed. When the call is cancelled, what runs is ended."""
    cancelled = threading.Event()
    work = partial(checks.run, wanted, cwd=cwd, seconds=seconds, cancelled=cancelled)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_tell_progress, context, seconds * len(wanted))
        try:
            results = await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        finally:
            cancelled.set()
        tasks.cancel_scope.cancel()
    checks.require(results, seconds)
    return results


async def _tell_progress(context: Context, most: float) -> None:
    """Claude Code gives up on a call that is silent for too long."""
    started = time.monotonic()
    while True:
        await anyio.sleep(PROGRESS_SECONDS)
        await context.report_progress(time.monotonic() - started, most, "running the checks")
