"""The orchestrator's tools."""

import shlex
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from worker_manager import __version__, formatting
from worker_manager.fleet import Fleet, Place, Started, Wanted
from worker_manager.models import Worker
from worker_manager.servers.tooling import Result, acknowledged_soon, answer, tool_errors

INSTRUCTIONS = """\
Starts autonomous workers, each a session of its own with its own git worktree and branch. After \
start_worker go on with other work or end your turn: a worker's question or report arrives by \
itself and wakes you. Never poll. A worker knows nothing of this conversation: its task must say \
all it needs."""


class WorkerInfo(BaseModel):
    """One worker."""

    id: str
    name: str
    title: str
    status: str
    reason: str
    agent: str
    path: str
    branch: str
    base: str
    base_sha: str
    question: str
    missing: str
    attach: str
    changed_at: str


class StoppedInfo(Result, WorkerInfo):
    """A worker that was just stopped."""


class StartedInfo(Result, WorkerInfo):
    """A worker that was just started."""

    behind_upstream: int
    uncommitted_in_checkout: int


class WorkerList(Result):
    """This session's workers; ids of workers here whose session is gone; records that can't
    be read.
    """

    workers: list[WorkerInfo]
    orphans: list[str]
    damaged: list[str]


class Adopted(Result):
    """Workers that are this session's from now on."""

    workers: list[WorkerInfo]


class Sent(Result):
    """A message that lies in a worker's mailbox."""

    id: str
    message_id: str
    answered_question: bool


class Mail(Result):
    """Messages; how many more wait."""

    messages: list[str]
    left: int


WorkerId = Annotated[str, Field(description="id from start_worker or list_workers")]


def build(fleet: Fleet) -> MCPServer[dict[str, object]]:
    """The server with its tools, speaking for `fleet`."""
    server: MCPServer[dict[str, object]] = MCPServer(
        "crew", instructions=INSTRUCTIONS, version=__version__
    )

    @server.tool(annotations=ToolAnnotations(title="Start worker", destructive_hint=False))
    def start_worker(
        title: Annotated[str, Field(description="a few words")],
        task: Annotated[str, Field(description="all a stranger needs to do it")],
        use_worktree: Annotated[bool, Field(description="false: work in this directory")] = True,
        base_branch: Annotated[str | None, Field(description="branch, tag or sha")] = None,
        agent: str | None = None,
        model: str | None = None,
        permission_mode: str | None = None,
    ) -> Annotated[CallToolResult, StartedInfo]:
        """Start an autonomous worker on a task. Answers at once; its report comes by itself."""
        with tool_errors():
            wanted = Wanted(title, task, use_worktree, base_branch, agent, model, permission_mode)
            started = fleet.start(wanted)
            info = _started_info(fleet, started)
            return answer(_started_text(started, info.attach), info)

    @server.tool(annotations=ToolAnnotations(title="List workers", read_only_hint=True))
    def list_workers() -> Annotated[CallToolResult, WorkerList]:
        """Your workers and what each is doing. You need not poll: reports arrive by themselves."""
        with tool_errors():
            infos = [_info(fleet, worker) for worker in fleet.workers()]
            orphans, damaged = [one.id for one in fleet.orphans()], fleet.records.damaged()
            listed = WorkerList(workers=infos, orphans=orphans, damaged=damaged)
            return answer(_list_text(listed), listed)

    @server.tool(annotations=ToolAnnotations(title="Nudge worker", destructive_hint=False))
    def nudge_worker(id: WorkerId, message: str) -> Annotated[CallToolResult, Sent]:
        """Send a worker the answer to its question, or what to do next. Wakes and reopens it."""
        with tool_errors():
            before, sent = fleet.nudge(id, message)
            what = "answer" if sent.reply_to else "message"
            info = Sent(id=id, message_id=sent.id, answered_question=bool(sent.reply_to))
            return answer(f"Delivered: the {what} lies in the mailbox of {before.name}.", info)

    @server.tool(annotations=ToolAnnotations(title="Stop worker", destructive_hint=True))
    def stop_worker(id: WorkerId) -> Annotated[CallToolResult, StoppedInfo]:
        """End a worker's session. Its branch, worktree and uncommitted files stay."""
        with tool_errors():
            worker = fleet.stop(id)
            text = f"{worker.name} is {worker.status.value}. Its work stays in {worker.path}."
            return answer(text, StoppedInfo(**_info(fleet, worker).model_dump()))

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
            infos = [_info(fleet, worker) for worker in fleet.adopt(ids or (), force=force)]
            return answer(_adopted_text(infos), Adopted(workers=infos))

    @server.tool(annotations=ToolAnnotations(title="Read mail", destructive_hint=False))
    def read_mail(
        history: Annotated[bool, Field(description="what was shown before, again")] = False,
    ) -> Annotated[CallToolResult, Mail]:
        """Messages from your workers that wait. They also arrive by themselves."""
        with tool_errors():
            return _history(fleet) if history else _waiting_mail(fleet)

    return server


def _waiting_mail(fleet: Fleet) -> CallToolResult:
    claim = fleet.claim_mail(most=20)
    if claim is None:
        return answer("No mail waits.", Mail(messages=[], left=0))
    with acknowledged_soon(claim, fleet.home):
        text = formatting.for_orchestrator(claim.messages, claim.files, claim.left)
        mail = Mail(messages=[message.id for message in claim.messages], left=claim.left)
        return answer(text, mail)


def _history(fleet: Fleet) -> CallToolResult:
    past = fleet.history(most=20)
    shown, paths = [message for message, _ in past], [path for _, path in past]
    text = formatting.for_orchestrator(shown, paths, 0) if past else "No mail so far."
    return answer(text, Mail(messages=[message.id for message in shown], left=0))


def _info(fleet: Fleet, worker: Worker) -> WorkerInfo:
    asked = worker.report.text if worker.report and worker.status == "asking" else ""
    return WorkerInfo(
        id=worker.id,
        name=worker.name,
        title=worker.title,
        status=worker.status.value,
        reason=worker.reason,
        agent=worker.agent,
        path=worker.path,
        branch=worker.branch,
        base=worker.base_branch,
        base_sha=worker.base_sha,
        question=formatting.one_line(asked)[:500],
        missing=worker.missing,
        attach=shlex.join(fleet.attach_command(worker)),
        changed_at=worker.changed_at,
    )


def _started_info(fleet: Fleet, started: Started) -> StartedInfo:
    return StartedInfo(
        **_info(fleet, started.worker).model_dump(),
        behind_upstream=started.place.base.behind if started.place else 0,
        uncommitted_in_checkout=started.place.uncommitted if started.place else 0,
    )


def _started_text(started: Started, attach: str) -> str:
    worker = started.worker
    lines = [
        f"Worker {worker.id} ({worker.name}) started: {worker.agent}"
        + (f", permission mode {worker.permission_mode}." if worker.agent == "claude" else ".")
    ]
    lines += _place_lines(started.place, worker)
    lines.append(f"A person looks at it with: {attach}")
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


def _list_text(listed: WorkerList) -> str:
    lines = [_line(info) for info in listed.workers] or ["No workers."]
    if listed.orphans:
        ids = ", ".join(listed.orphans)
        lines.append(f"Workers of sessions that are gone: {ids}. adopt_workers makes them yours.")
    lines += [f"Damaged, can't be read: {path}" for path in listed.damaged]
    return "\n".join(lines)


def _adopted_text(infos: list[WorkerInfo]) -> str:
    return "\n".join(["Yours now:", *map(_line, infos)] if infos else ["There was none to adopt."])


def _line(info: WorkerInfo) -> str:
    reason = f" ({info.reason})" if info.reason else ""
    question = f": {info.question}" if info.question else ""
    missing = f" [{info.missing} missing]" if info.missing else ""
    return f"{info.id} {info.status}{reason} {info.name}{missing}{question}"
