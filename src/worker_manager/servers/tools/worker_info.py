"""How tools show a worker: its structured content, and a line of text."""

from dataclasses import dataclass, fields
from typing import Annotated

from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Worker
from worker_manager.servers.toolbox import About
from worker_manager.views import facts as snapshot

WorkerId = Annotated[str, About("id from start_worker or list_workers")]


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
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
    return info_from(snapshot.facts_of(fleet, worker))


def info_from(facts: snapshot.Facts) -> WorkerInfo:
    """The same from what was read already."""
    return WorkerInfo(**{one.name: getattr(facts, one.name) for one in fields(WorkerInfo)})


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
