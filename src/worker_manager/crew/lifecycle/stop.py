"""How a worker's session is ended: its work is saved first, and mostly it is asked before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from worker_manager.crew.context import Context
from worker_manager.crew.messaging import outbox
from worker_manager.domain import message
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import RuntimeUnavailable, WorkerManagerError
from worker_manager.state import journal
from worker_manager.state.workers.records import now
from worker_manager.worktrees import own, snapshots

#: A stop that tmux did not carry out is tried again so much later.
AGAIN_SECONDS = 10.0
#: Statuses in which a worker reads its mail and can finish its thought.
_REACHABLE = (Status.RUNNING, Status.ASKING)

_SHUTDOWN = """\
Your orchestrator asks you to stop. Commit what is worth keeping, then call `complete` and say \
what is done and what is not. If you must not stop now, call `ask` and say why. Otherwise your \
session ends in {seconds} s."""


def can_be_asked(worker: Worker) -> bool:
    """Whether asking it to stop makes sense."""
    return worker.status in _REACHABLE and not worker.stop_requested


def ask_to_stop(context: Context, worker: Worker) -> Worker:
    """It may finish its thought, complete, or refuse by asking; then its session ends. One that
    can't be asked is ended now.
    """
    if not can_be_asked(worker):
        return end(context, worker.id)
    seconds = context.settings.stop_grace_seconds
    due = _in_seconds(seconds)
    _, asked = context.records.update(worker.id, lambda one: one.request_stop(due=due))
    body = _SHUTDOWN.format(seconds=seconds)
    outbox.deliver(context, worker.id, outbox.order(worker, message.SHUTDOWN, body))
    return asked


def end(context: Context, worker_id: str) -> Worker:
    """End its session now. Raises RuntimeUnavailable; then it is as it was, but saved."""
    records = context.records
    save(context, records.load(worker_id))  # first: it takes a while, and may fail
    before, _ = records.update(worker_id, Worker.request_stop)
    try:
        context.runtime.end(before.handle)
    except RuntimeUnavailable:
        # Should it end later, that is no stop of ours.
        records.update(worker_id, lambda worker: _stop_as_in(worker, before))
        raise
    _, after = records.update(worker_id, lambda worker: worker.end(at=now(), reason=""))
    return after


def end_each(context: Context, workers: Sequence[Worker]) -> list[str]:
    """End the sessions of those that are unfinished, as far as that can be done. Returns the ids of
    those that have ended.
    """
    ended = []
    for worker in workers:
        if not worker.finished:
            with suppress(WorkerManagerError):
                ended.append(end(context, context.worker(worker.id).id).id)
    return ended


def stop_overdue(context: Context, workers: Sequence[Worker]) -> None:
    """End the sessions of those that were asked to stop and have had their time."""
    for worker in workers:
        if worker.stop_due and worker.stop_due <= now():
            try:
                end(context, worker.id)
            except RuntimeUnavailable:
                again = partial(Worker.request_stop, due=_in_seconds(AGAIN_SECONDS))
                context.records.update(worker.id, again)


def close_completed(context: Context, workers: Sequence[Worker]) -> None:
    """Close the sessions of those that completed long ago: their memory is freed."""
    seconds = context.settings.close_after_seconds
    for worker in workers:
        if worker.status is not Status.COMPLETED or worker.closed:
            continue
        since = datetime.fromisoformat(worker.changed_at).timestamp()
        if time.time() - since > seconds:
            _close(context, worker)


def save(context: Context, worker: Worker) -> None:
    """Save what no commit holds under a ref of ours, and notes where."""
    if not worker.branch or not worker.has_run:
        return
    ref = f"refs/worker-manager/{worker.id}/{time.time_ns()}"
    try:
        worktree = own.look(worker.path, worker.branch)
        saved = snapshots.save(worktree, ref, f"Uncommitted work of worker {worker.id}")
    except (WorkerManagerError, OSError) as error:  # a disk that is full keeps no session alive
        journal.note(context.home_of(worker), "not saved", why=str(error))
        return
    if saved:
        journal.note(context.home_of(worker), "saved", ref=ref, left_out=saved.left_out[:20])
        context.records.update(worker.id, lambda one: one._replace(saved=ref))


def _in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def _close(context: Context, worker: Worker) -> None:
    save(context, worker)
    # Only while it stands where it stood: it may have been spoken to.
    _, after = context.records.update(worker.id, lambda one: one.close(worker.changed_at))
    if after.closed:
        with suppress(RuntimeUnavailable):
            context.runtime.end(worker.handle)
        journal.note(context.home_of(worker), "closed")


def _stop_as_in(worker: Worker, before: Worker) -> Worker:
    return worker._replace(stop_requested=before.stop_requested, stop_due=before.stop_due)
