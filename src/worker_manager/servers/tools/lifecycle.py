"""Tools that start, stop and take over workers."""

import os
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import Started, StartRequest
from worker_manager.domain.worker import Status
from worker_manager.servers.results import Result, answer, tool_errors
from worker_manager.servers.tools.worker_info import WorkerId, WorkerInfo, info_of, line_of
from worker_manager.state import sessions
from worker_manager.text.rendering import for_models
from worker_manager.views import announcements

_NO_HOOKS = (
    "NOTHING WILL WAKE YOU: no hook of worker-manager has run in this session. Tell your user to "
    "look for disableAllHooks or allowManagedHooksOnly in Claude Code's settings (`worker-manager "
    "doctor` names the file). Meanwhile call wait_for_workers, or read_mail now and then."
)


class StoppedInfo(Result, WorkerInfo):
    """A worker that was just stopped, asked to stop or restored; the git ref under which its
    uncommitted work was saved.
    """

    saved: str


class StartedInfo(Result, WorkerInfo):
    """A worker that was just started."""

    behind_upstream: int
    uncommitted_in_checkout: int
    notes: list[str]


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
        checks: Annotated[
            list[str] | None, Field(description="shell commands that must pass before it completes")
        ] = None,
        allowed_paths: Annotated[
            list[str] | None, Field(description="other changes are named in its report")
        ] = None,
    ) -> Annotated[CallToolResult, StartedInfo]:
        """Start an autonomous worker on a task. Answers at once; its report comes by itself."""
        with tool_errors():
            wanted = StartRequest(
                title,
                task,
                use_worktree=use_worktree,
                base_branch=base_branch,
                agent=agent,
                model=model,
                permission_mode=permission_mode,
                budget_tokens=budget_tokens,
                checks=checks or (),
                allowed_paths=allowed_paths or (),
            )
            started = fleet.start(wanted)
            info = _started_info(fleet, started)
            return answer(_started_text(fleet, started, info), info)

    @server.tool(annotations=ToolAnnotations(title="Stop worker", destructive_hint=True))
    def stop_worker(
        id: WorkerId,
        force: Annotated[bool, Field(description="now, without asking it first")] = False,
    ) -> Annotated[CallToolResult, StoppedInfo]:
        """End a worker's session; it may finish its thought first. Branch and files stay."""
        with tool_errors():
            worker = fleet.stop(id) if force else fleet.ask_to_stop(id)
            info = StoppedInfo(**info_of(fleet, worker).model_dump(), saved=worker.saved)
            return answer(announcements.stopped(worker, for_models), info)

    @server.tool(annotations=ToolAnnotations(title="Restore worker", destructive_hint=False))
    def restore_worker(id: WorkerId, message: str = "") -> Annotated[CallToolResult, StoppedInfo]:
        """Go on with the conversation of a worker whose session has ended."""
        with tool_errors():
            worker = fleet.restore(id, message)
            info = StoppedInfo(**info_of(fleet, worker).model_dump(), saved=worker.saved)
            return answer(announcements.restored(worker, info.reason), info)

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


def _started_info(fleet: Fleet, started: Started) -> StartedInfo:
    return StartedInfo(
        **info_of(fleet, started.worker).model_dump(),
        behind_upstream=started.place.base.behind if started.place else 0,
        uncommitted_in_checkout=started.place.uncommitted if started.place else 0,
        notes=[for_models(note) for note in started.notes],
    )


def _started_text(fleet: Fleet, started: Started, info: WorkerInfo) -> str:
    lines = announcements.started(started, info.reason, for_models)
    if started.worker.status is not Status.QUEUED:
        lines.append(f"A person looks at it with: {info.attach}")
    # Of a server, unlike of a hook, the parent is claude itself.
    is_deaf = sessions.has_no_hooks(fleet.home, os.getppid())
    lines.append(_NO_HOOKS if is_deaf else "Its question or report will reach you by itself.")
    return "\n".join(lines)


def _adopted_text(infos: list[WorkerInfo]) -> str:
    return "\n".join(
        ["Yours now:", *map(line_of, infos)] if infos else ["There was none to adopt."]
    )
