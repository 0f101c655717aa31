"""What is known of a worker at this moment: its record, its session, its work, what it used."""

from __future__ import annotations

import shlex
import time
from typing import NamedTuple

from worker_manager import formatting
from worker_manager.agents import transcripts
from worker_manager.agents.usage import Usage
from worker_manager.fleet import Fleet
from worker_manager.models import Activity, Status, Worker
from worker_manager.worktrees import evidence

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
    progress: evidence.Progress | None
    usage: Usage | None
    doing: str
    place: str
    attach: str


def facts_of(fleet: Fleet, worker: Worker) -> Facts:
    """Takes three git processes when the worker has a branch of its own."""
    look = Look(
        activity=fleet.activity(worker),
        progress=evidence.progress(worker.path, worker.base_sha) if worker.branch else None,
        usage=fleet.usage(worker),
        doing=transcripts.latest(fleet.transcript(worker)),
        place=fleet.place_in_queue(worker) if worker.status is Status.QUEUED else "",
        attach=shlex.join(fleet.attach_command(worker)),
    )
    return facts(worker, look, at=time.time())


def facts(worker: Worker, look: Look, *, at: float) -> Facts:
    """The same from what was read already; `at` is in seconds since the epoch."""
    status, reason, since = worker.seen(look.activity, at=at)
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
        path=worker.path,
        branch=worker.branch,
        base=worker.base_branch,
        base_sha=worker.base_sha,
        question=formatting.one_line(asked)[:QUESTION_LIMIT],
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
