"""How tools show a worker: its structured content, and a line of text."""

import shlex
from typing import Annotated

from pydantic import BaseModel, Field

from worker_manager import formatting
from worker_manager.fleet import Fleet
from worker_manager.models import Worker

WorkerId = Annotated[str, Field(description="id from start_worker or list_workers")]


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


def info_of(fleet: Fleet, worker: Worker) -> WorkerInfo:
    """What is known of it."""
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


def line_of(info: WorkerInfo) -> str:
    """On one line."""
    reason = f" ({info.reason})" if info.reason else ""
    question = f": {info.question}" if info.question else ""
    missing = f" [{info.missing} missing]" if info.missing else ""
    return f"{info.id} {info.status}{reason} {info.name}{missing}{question}"
