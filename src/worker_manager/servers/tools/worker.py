"""The worker's tools."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from worker_manager import __version__
from worker_manager.crew.reporting import reports
from worker_manager.errors import StateUnavailable, WorkerNotFound
from worker_manager.servers import call_limit
from worker_manager.servers.results import Result, acknowledged_soon, answer, tool_errors
from worker_manager.servers.serving import ALWAYS_LOAD
from worker_manager.servers.tools import checks_runner
from worker_manager.state.bells import Bell
from worker_manager.state.mail import awaited_answer
from worker_manager.state.mail.inbox import Claim
from worker_manager.state.workers.records import Records
from worker_manager.text import rendering

POLL_SECONDS = 0.1
PROGRESS_SECONDS = 10.0


class Completed(Result):
    """The report as it was delivered; without a `message_id` its checks still run."""

    message_id: str
    status: str


class Asked(Result):
    """The answer, or none yet."""

    message_id: str
    answer: str | None


def build(
    records: Records,
    worker_id: str,
    *,
    ask_wait_seconds: int,
    check_seconds: int,
    call_seconds: float | None = None,
) -> MCPServer[dict[str, object]]:
    """The server with its tools, speaking for one worker. `call_seconds`: how long its agent
    listens to a call, where the agent says so.
    """
    server: MCPServer[dict[str, object]] = MCPServer("crew", version=__version__)
    home = records.home(worker_id)
    completions = checks_runner.Completions(records, worker_id, check_seconds)

    @server.tool(
        annotations=ToolAnnotations(title="Complete", destructive_hint=False), meta=ALWAYS_LOAD
    )
    async def complete(
        summary: Annotated[str, Field(description="what you did, what you checked, what is left")],
        context: Context,
    ) -> Annotated[CallToolResult, Completed]:
        """Report your task as done. Commit your work first. Runs your checks, if you have some."""
        with _speaking_for(home):
            worker = await completions.complete(
                context, summary, call_limit.seconds(context, call_seconds)
            )
            if worker is None:
                return answer(
                    "Nothing is reported yet: your checks still run. End your turn: when they "
                    "pass your report is delivered, and a message tells you how they went.",
                    Completed(message_id="", status=records.load(worker_id).status.value),
                )
            sent = worker.report.message_id if worker.report else ""
            text = "Delivered to your orchestrator. End your turn now; you may hear from it again."
            return answer(text, Completed(message_id=sent, status=worker.status.value))

    @server.tool(annotations=ToolAnnotations(title="Ask", destructive_hint=False), meta=ALWAYS_LOAD)
    async def ask(
        question: Annotated[str, Field(description="with all that is needed to answer it")],
        context: Context,
    ) -> Annotated[CallToolResult, Asked]:
        """Ask your orchestrator something and wait for its answer."""
        with _speaking_for(home):
            records.load(worker_id)  # raises when somebody removed it
            # Before the question is sent: a second one would take the place of the first.
            with awaited_answer.waiting_for_answer(home) as waiting_for:
                report = await anyio.to_thread.run_sync(reports.ask, records, worker_id, question)
                waiting_for(report.message_id)
                seconds = call_limit.at_most(context, ask_wait_seconds)
                claim = await _wait(context, home, report.message_id, seconds)
            if claim is None:
                return answer(
                    "Your question is delivered; the answer has not come yet. End your turn: "
                    "it will wake you as a message.",
                    Asked(message_id=report.message_id, answer=None),
                )
            # No `await` from here on: cancelled now, the answer would be nobody's.
            with acknowledged_soon(claim, home):
                reports.go_on(records, worker_id)
                (message,) = claim.messages
                (file,) = claim.files
                text = rendering.shortened(message, file, rendering.RESULT_LIMIT)
                info = Asked(message_id=report.message_id, answer=text)
                return answer(rendering.for_asking(message, file), info)

    return server


def record_gone(home: str) -> StateUnavailable:
    """What a worker must read that nobody knows any more."""
    return StateUnavailable(
        f"Your record in {home} is gone: somebody removed it, and your orchestrator can't "
        "be reached. Commit your work, say so in your last message, and end your turn."
    )


@contextmanager
def _speaking_for(home: str) -> Iterator[None]:
    """Errors as a worker must read them."""
    with tool_errors():
        try:
            yield
        except WorkerNotFound as error:
            raise record_gone(home) from error


async def _wait(context: Context, home: str, question_id: str, seconds: float) -> Claim | None:
    """The answer, or None when it didn't come in time."""
    started = told = time.monotonic()
    with closing(Bell(home)) as bell:
        while (left := started + seconds - time.monotonic()) > 0:
            claim = reports.take_answer(home, question_id)
            if claim is not None:
                return claim
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                await context.report_progress(told - started, seconds, "waiting for the answer")
            await _rung(bell, min(left, told + PROGRESS_SECONDS - time.monotonic()))
    return None


async def _rung(bell: Bell, seconds: float) -> None:
    """Until a message came, or so long; where nothing can ring, a moment."""
    if bell.descriptor is None:
        await anyio.sleep(POLL_SECONDS)
        return
    with anyio.move_on_after(seconds):
        await anyio.wait_readable(bell.descriptor)
    bell.drain()
