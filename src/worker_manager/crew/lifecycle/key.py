"""A start with a key of the caller's: the same start again is the same worker."""

from __future__ import annotations

import os
import time

from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.presence import fail_vanished
from worker_manager.domain import identifiers
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, RuntimeUnavailable, StateCorrupt, WorkerNotFound
from worker_manager.runtimes.base import Presence, Runtime
from worker_manager.state.layout import transcript_of
from worker_manager.state.workers import launches
from worker_manager.state.workers.records import Records

#: The terminal of a start that was cut off goes away in a moment.
ENDING_SECONDS = 15


def find(records: Records, runtime: Runtime, owner: str, request: StartRequest) -> Worker | None:
    """The worker that the request's key stands for, after a look whether a start of it was cut
    off; None without one. Raises InvalidInput when it is another request's, RuntimeUnavailable
    when it is not known whether it is there.
    """
    worker_id = identifiers.worker_id_of(identifiers.checked_key(request.key))
    home = records.home(worker_id)
    if not os.path.lexists(home):
        return None
    try:
        worker = records.load(worker_id)
    except WorkerNotFound as error:
        if not os.path.lexists(home):
            return None  # taken back just now
        raise StateCorrupt(
            f"The key {request.key!r} is that of worker {worker_id}, whose record is gone. Look "
            f"at {home}, then move it somewhere else, or give another key."
        ) from error
    _require_same(worker, owner, request)
    return _looked_at(records, runtime, worker)


def is_to_begin_again(worker: Worker, home: str) -> bool:
    """Whether it has failed without a session that checked in."""
    return worker.has_failed_to_start and not transcript_of(home)


def _looked_at(records: Records, runtime: Runtime, worker: Worker) -> Worker:
    """A worker after a look whether it is there. The terminal of a start that was cut off
    goes away in a moment.
    """
    deadline = time.monotonic() + ENDING_SECONDS
    while True:
        fail_vanished(records, [worker], runtime)
        worker = records.load(worker.id)
        home = records.home(worker.id)
        is_late = is_to_begin_again(worker, home) and not _has_no_terminal(worker, runtime)
        if not (_is_cut_off(worker, home) or is_late):
            return worker
        if time.monotonic() > deadline:
            raise RuntimeUnavailable(
                f"The start of worker {worker.id} was cut off, and tmux does not say that its "
                "terminal is gone. Try again."
            )
        time.sleep(0.05)


def _require_same(worker: Worker, owner: str, request: StartRequest) -> None:
    """Raises InvalidInput when a worker is not the one that this key of this owner's stands for."""
    if worker.key != request.key:
        found = f"has the id of worker {worker.id}, which was started without it"
    elif worker.owner != owner:
        found = f"is that of worker {worker.id}, which belongs to another session"
    elif worker.arguments != request.digest:
        found = f"is that of worker {worker.id}, which was started with other arguments"
    else:
        return
    raise InvalidInput(f"The key {request.key!r} {found}. Give another key for another worker.")


def _is_cut_off(worker: Worker, home: str) -> bool:
    """Whether whoever started it has died before anything could run: its terminal goes away."""
    is_begun = worker.status is Status.STARTING and not worker.launched
    has_script = os.path.lexists(launches.script_path(home))
    return is_begun and not has_script and not launches.is_under_way(worker)


def _has_no_terminal(worker: Worker, runtime: Runtime) -> bool:
    """Also none that came late, when its start had been found cut off."""
    return runtime.probe([worker.handle])[worker.handle] is Presence.GONE
