"""How tools show a worker: its structured content, and a line of text."""

import shlex
import time
from typing import Annotated

from pydantic import BaseModel, Field

from worker_manager import formatting
from worker_manager.agents import transcripts
from worker_manager.fleet import Fleet
from worker_manager.models import Status, Worker
from worker_manager.state import receipts
from worker_manager.worktrees import evidence

WorkerId = Annotated[str, Field(description="id from start_worker or list_workers")]


class WorkerInfo(BaseModel):
    """One worker."""

    id: str
    name: str
    title: str
    status: str
    reason: str
    since: str
    agent: str
    path: str
    branch: str
    base: str
    base_sha: str
    question: str
    missing: str
    doing: str
    commits: int | None
    changed_files: int | None
    tokens_read: int | None
    tokens_written: int | None
    context_tokens: int | None
    budget_tokens: int
    cost_usd: float | None
    created_at: str
    attach: str


def info_of(fleet: Fleet, worker: Worker) -> WorkerInfo:
    """What is known of it."""
    status, reason, since = worker.seen(fleet.activity(worker), at=time.time())
    progress = evidence.progress(worker.path, worker.base_sha) if worker.branch else None
    usage = fleet.usage(worker)
    transcript = receipts.transcript_of(fleet.records.home(worker.id))
    if status is Status.QUEUED:
        reason = f"{fleet.place_in_queue(worker)}: {reason}"
    asked = worker.report.text if worker.report and worker.status == "asking" else ""
    return WorkerInfo(
        id=worker.id,
        name=worker.name,
        title=worker.title,
        status=status.value,
        reason=reason,
        since=since,
        agent=worker.agent,
        path=worker.path,
        branch=worker.branch,
        base=worker.base_branch,
        base_sha=worker.base_sha,
        question=formatting.one_line(asked)[:500],
        missing=worker.missing,
        attach=shlex.join(fleet.attach_command(worker)),
        doing="" if worker.finished else transcripts.latest(transcript)[:200],
        commits=progress.commits if progress else None,
        changed_files=progress.files if progress else None,
        tokens_read=usage.read if usage else None,
        tokens_written=usage.written if usage else None,
        context_tokens=usage.context if usage else None,
        budget_tokens=worker.budget_tokens,
        cost_usd=usage.cost if usage else None,
        created_at=worker.created_at,
    )


def line_of(info: WorkerInfo) -> str:
    """On one line."""
    reason = f" ({info.reason})" if info.reason else ""
    since = f" since {info.since[:19].replace('T', ' ')}" if info.since else ""
    work = "" if info.commits is None else f", commits: {info.commits}, files: {info.changed_files}"
    missing = f" [{info.missing} missing]" if info.missing else ""
    tokens = f", context: {info.context_tokens:,} tokens" if info.context_tokens else ""
    cost = f", ${info.cost_usd:.2f}" if info.cost_usd is not None else ""
    latest = info.question or info.doing
    said = f": {latest}" if latest else ""
    return f"{info.id} {info.status}{reason}{since} {info.name}{work}{tokens}{cost}{missing}{said}"
