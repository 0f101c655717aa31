"""Tools that start, stop and take over workers."""

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from worker_manager.fleet import Fleet
from worker_manager.models import Status, Worker
from worker_manager.servers.tooling import Result, answer, tool_errors
from worker_manager.servers.views import WorkerId, WorkerInfo, info_of, line_of
from worker_manager.starts import Place, Started, Wanted


class StoppedInfo(Result, WorkerInfo):
    """A worker that was just stopped, asked to stop or restored; the git ref under which its
    uncommitted work was saved.
    """

    saved: str


class StartedInfo(Result, WorkerInfo):
    """A worker that was just started."""

    behind_upstream: int
    uncommitted_in_checkout: int


class Adopted(Result):
    """Workers that are this session's from now on."""

    workers: list[WorkerInfo]


def add(server: MCPServer[dict[str, object]], fleet: Fleet) -> None:
    """Registers them."""

    @server.tool(annotations=ToolAnnotations(title="Start worker", destructive_hint=False))
    def start_worker(
        title: Annotated[str, Field(description="a few words")],
        task: Annotated[str, Field(description="all a stranger needs to do it")],
        use_worktree: Annotated[bool, Field(description="false: work in this directory")] = True,
        base_branch: Annotated[str | None, Field(description="branch, tag or sha")] = None,
        agent: str | None = None,
        model: str | None = None,
        permission_mode: str | None = None,
        budget_tokens: Annotated[int | None, Field(description="then it is asked to stop")] = None,
    ) -> Annotated[CallToolResult, StartedInfo]:
        """Start an autonomous worker on a task. Answers at once; its report comes by itself."""
        with tool_errors():
            wanted = Wanted(
                title,
                task,
                use_worktree=use_worktree,
                base_branch=base_branch,
                agent=agent,
                model=model,
                permission_mode=permission_mode,
                budget_tokens=budget_tokens,
            )
            started = fleet.start(wanted)
            info = _started_info(fleet, started)
            return answer(_started_text(started, info), info)

    @server.tool(annotations=ToolAnnotations(title="Stop worker", destructive_hint=True))
    def stop_worker(
        id: WorkerId,
        force: Annotated[bool, Field(description="now, without asking it first")] = False,
    ) -> Annotated[CallToolResult, StoppedInfo]:
        """End a worker's session; it may finish its thought first. Branch and files stay."""
        with tool_errors():
            worker = fleet.stop(id) if force else fleet.ask_to_stop(id)
            info = StoppedInfo(**info_of(fleet, worker).model_dump(), saved=worker.saved)
            return answer(_stopped_text(worker), info)

    @server.tool(annotations=ToolAnnotations(title="Restore worker", destructive_hint=False))
    def restore_worker(id: WorkerId, message: str = "") -> Annotated[CallToolResult, StoppedInfo]:
        """Go on with the conversation of a worker whose session has ended."""
        with tool_errors():
            worker = fleet.restore(id, message)
            info = StoppedInfo(**info_of(fleet, worker).model_dump(), saved=worker.saved)
            return answer(_restored_text(worker, info), info)

    @server.tool(annotations=ToolAnnotations(title="Adopt workers", destructive_hint=False))
    def adopt_workers(
        ids: Annotated[
            list[str] | None, Field(description="default: all whose session is gone")
        ] = None,
        force: Annotated[
            bool, Field(description="from a session that runs; ask your user")
        ] = False,
    ) -> Annotated[CallToolResult, Adopted]:
        """Take over workers of this repository whose session is gone, with their mail."""
        with tool_errors():
            infos = [info_of(fleet, worker) for worker in fleet.adopt(ids or (), force=force)]
            return answer(_adopted_text(infos), Adopted(workers=infos))


def _stopped_text(worker: Worker) -> str:
    if worker.stop_due:
        return (
            f"{worker.name} was asked to stop. It may complete or refuse, which you will hear; "
            f"else its session ends at {worker.stop_due[11:19]} UTC."
        )
    lines = [f"{worker.name} is {worker.status.value}. Its work stays in {worker.path}."]
    if worker.saved:
        lines.append(
            "What no commit holds is saved, too; in there, this brings it back: "
            f"git restore --source={worker.saved} -- ."
        )
    lines.append("restore_worker goes on with its conversation.")
    return "\n".join(lines)


def _restored_text(worker: Worker, info: WorkerInfo) -> str:
    if worker.status is Status.QUEUED:
        return f"{worker.name} is queued ({info.reason}); it goes on by itself."
    return f"{worker.name} goes on in {worker.path}."


def _started_info(fleet: Fleet, started: Started) -> StartedInfo:
    return StartedInfo(
        **info_of(fleet, started.worker).model_dump(),
        behind_upstream=started.place.base.behind if started.place else 0,
        uncommitted_in_checkout=started.place.uncommitted if started.place else 0,
    )


def _started_text(started: Started, info: WorkerInfo) -> str:
    worker = started.worker
    mode = f", permission mode {worker.permission_mode}" if worker.agent == "claude" else ""
    is_queued = worker.status is Status.QUEUED
    state = f"queued ({info.reason}); it starts by itself" if is_queued else "started"
    lines = [f"Worker {worker.id} ({worker.name}) {state}: {worker.agent}{mode}."]
    lines += _place_lines(started.place, worker)
    if not is_queued:
        lines.append(f"A person looks at it with: {info.attach}")
    lines.append("Its question or report will reach you by itself.")
    return "\n".join(lines)


def _place_lines(place: Place | None, worker: Worker) -> list[str]:
    if place is None:
        return [f"It works in {worker.path} itself, without a branch of its own."]
    base = place.base
    behind = f", {base.behind} behind {base.upstream}" if base.behind else ""
    lines = [f"Branch {worker.branch} from {base.name} at {base.sha[:12]}{behind}."]
    if place.uncommitted:
        lines.append(
            f"Your checkout has {place.uncommitted} uncommitted files that it does not see."
        )
    return lines


def _adopted_text(infos: list[WorkerInfo]) -> str:
    return "\n".join(
        ["Yours now:", *map(line_of, infos)] if infos else ["There was none to adopt."]
    )
