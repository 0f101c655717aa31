"""Tools that look at workers."""

from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration import clean
from worker_manager.servers.results import Result, answer, tool_errors
from worker_manager.servers.tools import read_worker as reading
from worker_manager.servers.tools import wait
from worker_manager.servers.tools.worker_info import WorkerId, WorkerInfo, info_from, line_of
from worker_manager.text.rendering import for_models
from worker_manager.views import inspection, log
from worker_manager.views.facts import Snapshots

_UNTIL = {"enum": list(wait.UNTIL)}
_WHAT = {"enum": list(inspection.WHAT)}
_FIRST = log.BEGINNING


class WorkerList(Result):
    """This session's workers, and what they have used together (the cost: where a price is
    known); ids of those that were cleaned, and of workers here whose session is gone; records
    that can't be read.
    """

    workers: list[WorkerInfo]
    tokens_read: int
    tokens_written: int
    cost_usd: float
    cleaned: list[str]
    orphans: list[str]
    damaged: list[str]


def add(server: MCPServer[dict[str, object]], fleet: Fleet) -> None:
    """Registers them."""
    snapshots = Snapshots(fleet)

    @server.tool(annotations=ToolAnnotations(title="List workers", read_only_hint=True))
    def list_workers() -> Annotated[CallToolResult, WorkerList]:
        """Your workers and what each is doing, but for cleaned ones. Don't poll: reports arrive by
        themselves.
        """
        with tool_errors():
            everybody = fleet.records.all()
            workers, seen = snapshots.of_own(everybody)
            infos = [info_from(one) for one in seen]
            listed = WorkerList(
                workers=infos,
                tokens_read=sum(one.tokens_read or 0 for one in infos),
                tokens_written=sum(one.tokens_written or 0 for one in infos),
                cost_usd=sum(one.cost_usd or 0.0 for one in infos),
                cleaned=[one.id for one in workers if one.cleaned],
                orphans=[one.id for one in fleet.orphans(everybody)],
                damaged=fleet.records.damaged(),
            )
            return answer(_list_text(listed, clean.advice(workers)), listed)

    @server.tool(annotations=ToolAnnotations(title="Wait for workers", destructive_hint=False))
    async def wait_for_workers(
        context: Context,
        ids: Annotated[list[str] | None, Field(description="default: all unfinished")] = None,
        until: Annotated[
            str, Field(description="all: all finished or in need", json_schema_extra=_UNTIL)
        ] = "any",
        timeout_seconds: Annotated[
            float, Field(description=f"1 to {wait.MAX_SECONDS}")
        ] = wait.DEFAULT_SECONDS,
    ) -> Annotated[CallToolResult, wait.Waited]:
        """Wait until a worker reports or needs you. Only when you have nothing else to do and
        can't end your turn.
        """
        with tool_errors():
            return await wait.wait(fleet, context, ids or (), until, timeout_seconds)

    @server.tool(annotations=ToolAnnotations(title="Read worker", read_only_hint=True))
    def read_worker(
        id: WorkerId,
        what: Annotated[
            str, Field(description="result: its last report", json_schema_extra=_WHAT)
        ] = "summary",
        cursor: Annotated[
            str | None, Field(description=f"of the last log, diff or result; log: or {_FIRST}")
        ] = None,
        max_bytes: Annotated[
            int, Field(description=f"at most {inspection.MAX_BYTES}")
        ] = inspection.DEFAULT_BYTES,
    ) -> Annotated[CallToolResult, reading.Seen]:
        """Look at a worker: how it stands, its terminal, what it did, changed, or reported."""
        with tool_errors():
            return reading.read(fleet, id, what, cursor or "", max_bytes)


def _list_text(listed: WorkerList, advice: str) -> str:
    lines = [line_of(info) for info in listed.workers] or ["No workers."]
    if listed.cleaned:
        newest = ", ".join(listed.cleaned[-5:])
        lines.append(
            f"Cleaned: {len(listed.cleaned)}, last {newest}. restore_worker brings one back."
        )
    if listed.tokens_read:
        used = f"{listed.tokens_read:,} tokens read, {listed.tokens_written:,} written"
        lines.append(f"In all: {used}, ${listed.cost_usd:.2f}{_unpriced(listed)}.")
    if listed.orphans:
        ids = ", ".join(listed.orphans)
        lines.append(f"Workers of sessions that are gone: {ids}. adopt_workers makes them yours.")
    lines += [f"Damaged, can't be read: {path}" for path in listed.damaged]
    lines += [for_models(advice)] if advice else []
    return "\n".join(lines)


def _unpriced(listed: WorkerList) -> str:
    unknown = [one for one in listed.workers if one.tokens_read and one.cost_usd is None]
    return f" without {len(unknown)} whose model has no known price" if unknown else ""
