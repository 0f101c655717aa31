"""What is known of a worker at this moment: its record, its session, its work, what it used."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from worker_manager.domain.worker import Status, Worker
from worker_manager.text import rendering

if TYPE_CHECKING:  # what reads these is loaded by who reads
    from worker_manager.agents.base import Usage
    from worker_manager.domain.session import Activity
    from worker_manager.worktrees.changes import Progress

QUESTION_LIMIT, DOING_LIMIT = 500, 200


class Facts(NamedTuple):
    """One worker. `owner` is an orchestrator's id, `terminal` for people. Times are ISO texts in
    UTC, `base_sha` a commit, `question` what it asked and waits for, `doing` its last tool or
    words, `context_tokens` about what its next request holds, `attach` a shell command. None is
    what nobody knows, or what does not apply.
    """

    id: str
    owner: str
    name: str
    title: str
    status: str
    reason: str
    since: str
    agent: str
    agent_name: str
    path: str
    branch: str
    base: str
    base_sha: str
    question: str
    missing: str
    doing: str
    commits: int | None
    changed_files: int | None
    lines_added: int | None
    lines_removed: int | None
    tokens_read: int | None
    tokens_written: int | None
    context_tokens: int | None
    budget_tokens: int
    cost_usd: float | None
    created_at: str
    attach: str


class Look(NamedTuple):
    """What is read of a worker beside its record. `place` is its place in the queue, `doing` its
    last tool or words.
    """

    activity: Activity | None
    progress: Progress | None
    usage: Usage | None
    doing: str
    place: str
    attach: str


def facts(worker: Worker, look: Look, *, at: float) -> Facts:
    """The same from what was read already; `at` is in seconds since the epoch."""
    status, reason, since = worker.effective_status(look.activity, at=at)
    if status is Status.QUEUED:
        reason = f"{look.place}: {reason}"
    progress, usage = look.progress, look.usage
    asked = worker.report.text if worker.report and worker.status is Status.ASKING else ""
    return Facts(
        id=worker.id,
        owner=worker.owner,
        name=worker.name,
        title=worker.title,
        status=status.value,
        reason=reason,
        since=since,
        agent=worker.agent,
        agent_name=worker.agent_name or worker.agent,
        path=worker.path,
        branch=worker.branch,
        base=worker.base_branch,
        base_sha=worker.base_sha,
        question=rendering.one_line(asked)[:QUESTION_LIMIT],
        missing=worker.missing,
        doing="" if worker.finished else look.doing[:DOING_LIMIT],
        commits=progress.commits if progress else None,
        changed_files=progress.files if progress else None,
        lines_added=progress.added if progress else None,
        lines_removed=progress.removed if progress else None,
        tokens_read=usage.read if usage else None,
        tokens_written=usage.written if usage else None,
        context_tokens=usage.context if usage else None,
        budget_tokens=worker.budget_tokens,
        cost_usd=usage.cost if usage else None,
        created_at=worker.created_at,
        attach=look.attach,
    )
