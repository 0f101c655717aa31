"""Tools that look at workers."""

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, ToolAnnotations

from worker_manager.fleet import Fleet
from worker_manager.servers.tooling import Result, answer, tool_errors
from worker_manager.servers.views import WorkerInfo, info_of, line_of


class WorkerList(Result):
    """This session's workers; ids of workers here whose session is gone; records that can't
    be read.
    """

    workers: list[WorkerInfo]
    orphans: list[str]
    damaged: list[str]


def add(server: MCPServer[dict[str, object]], fleet: Fleet) -> None:
    """Registers them."""

    @server.tool(annotations=ToolAnnotations(title="List workers", read_only_hint=True))
    def list_workers() -> Annotated[CallToolResult, WorkerList]:
        """Your workers and what each is doing. You need not poll: reports arrive by themselves."""
        with tool_errors():
            infos = [info_of(fleet, worker) for worker in fleet.workers()]
            orphans, damaged = [one.id for one in fleet.orphans()], fleet.records.damaged()
            listed = WorkerList(workers=infos, orphans=orphans, damaged=damaged)
            return answer(_list_text(listed), listed)


def _list_text(listed: WorkerList) -> str:
    lines = [line_of(info) for info in listed.workers] or ["No workers."]
    if listed.orphans:
        ids = ", ".join(listed.orphans)
        lines.append(f"Workers of sessions that are gone: {ids}. adopt_workers makes them yours.")
    lines += [f"Damaged, can't be read: {path}" for path in listed.damaged]
    return "\n".join(lines)
