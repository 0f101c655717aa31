"""How tools show a worker: its structured content, and a line of text."""

from __future__ import annotations

from typing import Annotated, TypedDict, cast

from worker_manager.servers.toolbox import About
from worker_manager.views.facts import Facts

WorkerId = Annotated[str, About("id from start_worker or list_workers")]


class WorkerInfo(TypedDict):
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


def info_from(facts: Facts) -> WorkerInfo:
    """The facts that a model has a use for."""
    return cast("WorkerInfo", {name: getattr(facts, name) for name in WorkerInfo.__annotations__})


def line_of(facts: Facts) -> str:
    """On one line."""
    reason = f" ({facts.reason})" if facts.reason else ""
    since = f" since {facts.since[:19].replace('T', ' ')}" if facts.since else ""
    is_counted = facts.commits is not None
    work = f", commits: {facts.commits}, files: {facts.changed_files}" if is_counted else ""
    missing = f" [{facts.missing} missing]" if facts.missing else ""
    tokens = f", context: {facts.context_tokens:,} tokens" if facts.context_tokens else ""
    cost = f", ${facts.cost_usd:.2f}" if facts.cost_usd is not None else ""
    latest = facts.question or facts.doing
    said = f": {latest}" if latest else ""
    about = f"{facts.id} {facts.status}{reason}{since} {facts.name}"
    return f"{about}{work}{tokens}{cost}{missing}{said}"
