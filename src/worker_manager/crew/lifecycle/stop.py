"""How a worker's session is ended: its work is saved first, and mostly it is asked before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from worker_manager.crew.messaging import outbox
from worker_manager.domain import message
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import RuntimeUnavailable, WorkerManagerError
from worker_manager.runtimes.base import Runtime
from worker_manager.state import journal
from worker_manager.state.workers.records import Records, now
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


def ask_to_stop(records: Records, worker: Worker, seconds: int) -> Worker:
    """It may finish its thought, complete, or refuse by asking; then its session ends."""
    due = _in_seconds(seconds)
    _, asked = records.update(worker.id, lambda one: one.request_stop(due=due))
    body = _SHUTDOWN.format(seconds=seconds)
    outbox.deliver(records, worker.id, outbox.order(worker, message.SHUTDOWN, body))
    return asked


def end(records: Records, runtime: Runtime, worker_id: str) -> Worker:
    """Ends its session now. Raises RuntimeUnavailable; then it is as it was, but saved."""
    save(records, records.get(worker_id))  # first: it takes a while, and may fail
    before, _ = records.update(worker_id, Worker.request_stop)
    try:
        runtime.end(before.handle)
    except RuntimeUnavailable:
        # Should it end later, that is no stop of ours.
        records.update(worker_id, lambda worker: _stop_as_in(worker, before))
        raise
    _, after = records.update(worker_id, lambda worker: worker.end(at=now(), reason=""))
    return after


def end_the_due(records: Records, runtime: Runtime, workers: Sequence[Worker]) -> None:
    """Ends the sessions of those that were asked to stop and have had their time."""
    for worker in workers:
        if worker.stop_due and worker.stop_due <= now():
            try:
                end(records, runtime, worker.id)
            except RuntimeUnavailable:
                again = partial(Worker.request_stop, due=_in_seconds(AGAIN_SECONDS))
                records.update(worker.id, again)


def close_the_done(
    records: Records, runtime: Runtime, workers: Sequence[Worker], seconds: float
) -> None:
    """Closes the sessions of those that completed long ago: their memory is freed."""
    for worker in workers:
        if worker.status is not Status.COMPLETED or worker.closed:
            continue
        since = datetime.fromisoformat(worker.changed_at).timestamp()
        if time.time() - since > seconds:
            _close(records, runtime, worker)


def save(records: Records, worker: Worker) -> None:
    """Saves what no commit holds under a ref of ours, and notes where."""
    if not worker.branch or not worker.has_run:
        return
    ref = f"refs/worker-manager/{worker.id}/{time.time_ns()}"
    try:
        worktree = own.look(worker.path, worker.branch)
        saved = snapshots.save(worktree, ref, f"Uncommitted work of worker {worker.id}")
    except (WorkerManagerError, OSError) as error:  # a disk that is full keeps no session alive
        journal.note(records.home(worker.id), "not saved", why=str(error))
        return
    if saved:
        journal.note(records.home(worker.id), "saved", ref=ref, left_out=saved.left_out[:20])
        records.update(worker.id, lambda one: replace(one, saved=ref))


def _in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def _close(records: Records, runtime: Runtime, worker: Worker) -> None:
    save(records, worker)
    # Only while it stands where it stood: it may have been spoken to.
    _, after = records.update(worker.id, lambda one: one.close(worker.changed_at))
    if after.closed:
        with suppress(RuntimeUnavailable):
            runtime.end(worker.handle)
        journal.note(records.home(worker.id), "closed")


def _stop_as_in(worker: Worker, before: Worker) -> Worker:
    return replace(worker, stop_requested=before.stop_requested, stop_due=before.stop_due)
