"""When a look at an orchestrator's workers is due, if nothing is heard of them before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from worker_manager.config import Settings
from worker_manager.crew.supervision.limits import RATE_LIMIT
from worker_manager.domain.worker import Activity, Status, Worker, seconds_of

#: While one is at work: it commits, spends, or is interrupted, and no hook tells.
BUSY_SECONDS = 10.0
#: A usage limit may be over before its time.
LIMIT_SECONDS = 60.0
#: A person works with one at its terminal, whatever its record says.
PRIVATE_SECONDS = 60.0
_AT_WORK = ("busy", "shell")


class Pause(NamedTuple):
    """How long nothing is due, in seconds, None for ever; and the identities of the processes whose
    end is to be seen at once.
    """

    seconds: float | None
    running: tuple[str, ...]


def pause(
    workers: Sequence[Worker],
    activities: Mapping[str, Activity],
    settings: Settings,
    *,
    told: Sequence[str],
    unread: float | None,
    at: float,
) -> Pause:
    """Of these workers, with what their sessions do by their ids. `told` are the ids of those whose
    owner knows that they are idle; `unread` is when mail that lies there is looked after. Moments
    are in seconds since the epoch.
    """
    due = [
        moment
        for one in workers
        if (moment := _due(one, activities.get(one.id), settings, is_told=one.id in told, at=at))
    ]
    if unread is not None:
        due.append(_not_before(unread, at))
    running = tuple(one.process for one in workers if _has_process(one))
    return Pause(max(min(due) - at, 0.0) if due else None, running)


def _due(
    worker: Worker, activity: Activity | None, settings: Settings, *, is_told: bool, at: float
) -> float | None:
    """The moment of the next look at it, or None."""
    if worker.stop_due:
        return min(_not_before(seconds_of(worker.stop_due), at), at + BUSY_SECONDS)
    if worker.status in (Status.STARTING, Status.RUNNING, Status.QUEUED):
        since = worker.idle_since(activity)
        if since is None:
            return at + BUSY_SECONDS
        return None if is_told else _not_before(since + settings.idle_seconds, at)
    if worker.status is Status.BLOCKED and worker.reason == RATE_LIMIT:
        return at + LIMIT_SECONDS
    if activity is not None and activity.status in _AT_WORK and worker.status is not Status.ASKING:
        return at + PRIVATE_SECONDS
    if worker.status is Status.COMPLETED and not worker.closed:
        return _not_before(seconds_of(worker.changed_at) + settings.close_after_seconds, at)
    return None


def _not_before(moment: float, at: float) -> float:
    """That moment; what should have been done by now is tried again later."""
    return moment + 0.1 if moment > at else at + BUSY_SECONDS


def _has_process(worker: Worker) -> bool:
    return bool(worker.process) and not worker.finished and worker.status is not Status.QUEUED
