"""The workers of an orchestrator that wait for room."""

from __future__ import annotations

from collections.abc import Sequence

from worker_manager.domain.worker import Status, Worker
from worker_manager.state.workers.records import Records


def queue(records: Records, owner: str) -> list[Worker]:
    """An orchestrator's workers that wait for room, the next one first."""
    return queue_among(records.all(), owner)


def queue_among(workers: Sequence[Worker], owner: str) -> list[Worker]:
    """The same, of records that were read."""
    waiting = [one for one in workers if one.owner == owner and one.status is Status.QUEUED]
    return sorted(waiting, key=lambda one: one.changed_at)


def place_in(line: Sequence[Worker], worker: Worker) -> str:
    """`2 of 3`; empty when it does not wait."""
    ids = [one.id for one in line]
    return f"{ids.index(worker.id) + 1} of {len(ids)}" if worker.id in ids else ""
