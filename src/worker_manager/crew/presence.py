"""Whether workers' sessions and processes are still there. What a program does not tell changes
nothing: unknown is not gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status, Worker
from worker_manager.runtimes.base import Presence, Runtime
from worker_manager.state import journal, process_identity
from worker_manager.state.workers import launches
from worker_manager.state.workers.records import Records

#: So many looks at /proc take as long as one question to tmux.
LIST_ALL_THRESHOLD = 150


def fail_vanished(
    records: Records,
    workers: Sequence[Worker],
    runtime: Runtime,
    meanwhile: Callable[[], object] | None = None,
) -> None:
    """Marks workers as failed whose session and process are gone and that never reported.
    `meanwhile` is done while the runtime is asked, which of many workers takes long.
    """
    expected = [one for one in workers if _has_session(one)]
    # Of many the runtime tells more quickly than the kernel does of each.
    is_many = len(expected) > LIST_ALL_THRESHOLD
    open_ones = [one for one in expected if is_many or not surely_runs(one)]
    answer = runtime.ask([one.handle for one in open_ones])
    try:
        if meanwhile is not None:
            meanwhile()
    finally:
        presences = answer()
    for one in open_ones:
        # A server that can't be found is not the same as a process that has ended.
        is_gone = presences[one.handle] is Presence.GONE
        if is_gone and (not one.process or has_ended(one)):
            _end(records, one, runtime.screen(one.handle))


def surely_runs(worker: Worker) -> bool:
    """Whether the process of its launch script certainly runs: then nobody else need be asked."""
    return process_identity.surely_runs(worker.process)


def has_ended(worker: Worker) -> bool:
    """Whether the process of its launch script has certainly ended; False while none is known."""
    return process_identity.has_ended(worker.process)


def is_gone(worker: Worker, runtime: Runtime) -> bool:
    """Whether nobody would read what it is told."""
    if surely_runs(worker):
        return False
    return runtime.probe([worker.handle])[worker.handle] is Presence.GONE


def _end(records: Records, worker: Worker, screen: str) -> None:
    """Ends what was found gone, unless it has another process by now."""
    journal.note(records.home(worker.id), "reconciled", found="gone")
    reports.ended(
        records,
        worker.id,
        exit_code=None,
        screen=screen,
        reason="" if worker.launched else "its start was interrupted",
        is_meant=lambda current: (
            (current.process, current.starter, current.launched)
            == (worker.process, worker.starter, worker.launched)
        ),
    )


def _has_session(worker: Worker) -> bool:
    """Whether there must be one, as far as the record says."""
    return not worker.finished and not is_to_come(worker)


def is_to_come(worker: Worker) -> bool:
    """Whether its session has yet to begin."""
    return worker.status is Status.QUEUED or launches.is_under_way(worker)
