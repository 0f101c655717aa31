"""When an orchestrator's workers are to be supervised next, if nothing is heard of them before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from worker_manager.config import Settings
from worker_manager.domain.reasons import RATE_LIMIT
from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Status, Worker, seconds_of

#: While one is at work: it commits, spends, or is interrupted, and no hook says so.
BUSY_SECONDS = 10.0
#: A usage limit may be over before its time.
LIMIT_SECONDS = 60.0
#: A person works with one at its terminal, whatever its record says.
PRIVATE_SECONDS = 60.0
_AT_WORK = ("busy", "shell")


class Delay(NamedTuple):
    """Seconds until the next check (None: never), and the identities of the processes whose exit
    must be noticed at once.
    """

    seconds: float | None
    running: tuple[str, ...]


def delay(
    workers: Sequence[Worker],
    activities: Mapping[str, Activity],
    settings: Settings,
    *,
    notified: Sequence[str],
    unread: float | None,
    at: float,
) -> Delay:
    """Until the next check of these workers. `activities` is what their sessions do, by worker id;
    `notified` are the ids of those whose owner knows that they are idle; `unread` is when unread
    mail is rung for again. `unread` and `at`, now, are in seconds since the epoch.
    """
    due = []
    for one in workers:
        doing = activities.get(one.id)
        moment = _due(one, doing, settings, is_notified=one.id in notified, at=at)
        if moment is not None:
            due.append(moment)
    if unread is not None:
        due.append(_not_before(unread, at))
    running = tuple(one.process for one in workers if _has_process(one))
    return Delay(max(min(due) - at, 0.0) if due else None, running)


def _due(
    worker: Worker, activity: Activity | None, settings: Settings, *, is_notified: bool, at: float
) -> float | None:
    """The moment of the next check of it, or None."""
    if worker.stop_due:
        return min(_not_before(seconds_of(worker.stop_due), at), at + BUSY_SECONDS)
    if worker.status in (Status.STARTING, Status.RUNNING, Status.QUEUED):
        since = worker.idle_since(activity)
        if since is None:
            return at + BUSY_SECONDS
        return None if is_notified else _not_before(since + settings.idle_seconds, at)
    if worker.status is Status.BLOCKED and worker.reason == RATE_LIMIT:
        return at + LIMIT_SECONDS
    if activity is not None and activity.status in _AT_WORK and worker.status is not Status.ASKING:
        return at + PRIVATE_SECONDS
    if worker.status is Status.COMPLETED and not worker.closed:
        return _not_before(seconds_of(worker.changed_at) + settings.close_after_seconds, at)
    return None


def _not_before(moment: float, at: float) -> float:
    """That moment; what is overdue is tried again later."""
    return moment + 0.1 if moment > at else at + BUSY_SECONDS


def _has_process(worker: Worker) -> bool:
    return bool(worker.process) and not worker.finished and worker.status is not Status.QUEUED
