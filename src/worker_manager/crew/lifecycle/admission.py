"""Which workers may start now: only as many as there is room for, counted by one start after the
other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from worker_manager.config import Settings
from worker_manager.crew.lifecycle import capacity
from worker_manager.crew.lifecycle.launch import RESTORED, Launcher
from worker_manager.crew.lifecycle.queue import queue
from worker_manager.crew.lifecycle.request import Begun
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, Text, step
from worker_manager.state import process_identity
from worker_manager.state.files import disk_errors, write_atomic
from worker_manager.state.layout import WORKERS
from worker_manager.state.locking import exclusive
from worker_manager.state.workers.records import Records, now

#: A start holds the lock for as long as tmux takes to answer one question; with hundreds of
#: variables, for a launch.
LOCK_SECONDS = 30


class IdTaken(InvalidInput):
    """There is a worker with this id by now."""


class Changed(InvalidInput):
    """Somebody else has started or stopped the worker meanwhile."""


class Admission:
    """Lets workers start, one after the other."""

    def __init__(self, launcher: Launcher, settings: Settings) -> None:
        self._launcher = launcher
        self._settings = settings
        self._machine = capacity.Machine(launcher.root, launcher.runtime)

    def admit(
        self, records: Records, worker: Worker, files: Mapping[str, str], terminal: ExitStack
    ) -> tuple[Worker, Begun | None]:
        """Makes its record and files, `starting`, and opens its terminal until the end of
        `terminal`; or without one, `queued`, when there is no room.
        """
        with self._room(records) as no_room:
            _require_free(self._launcher.root, records, worker)
            waits_for = self._machine.limit_reason(worker.agent) or no_room
            if not waits_for and queue(records, worker.owner):
                waits_for = "others wait before it"
            if waits_for:
                worker = worker._replace(status=Status.QUEUED, reason=waits_for)
                records.create(worker, files)()
                return worker, None
            # What takes longest begins first. If we are killed before the record is there, the
            # terminal goes away by itself; after that the record tells what was begun.
            opened = terminal.enter_context(self._launcher.opening(worker, records.home(worker.id)))
            return worker, Begun(opened, records.create(worker, files))

    def admit_again(self, records: Records, worker: Worker, prompt: str) -> Worker:
        """A worker whose session has ended: `starting`, or `queued` when there is no room; it will
        be told the prompt. Raises Changed.
        """
        starter = process_identity.identity(os.getpid())
        with self._room(records) as no_room:
            waits_for = self._machine.limit_reason(worker.agent) or no_room
            if run_of(records.load(worker.id)) != run_of(worker):
                changed = f"Worker {worker.id} was changed just now. "
                raise Changed(Text(changed, step("list"), " tells how."))
            write_atomic(os.path.join(records.home(worker.id), RESTORED), prompt.encode())
            _, restored = records.update(
                worker.id, lambda one: one.restore(starter, at=now(), waits_for=waits_for)
            )
        return restored

    @contextmanager
    def _room(self, records: Records) -> Iterator[str]:
        """Nobody else starts anything meanwhile; gives what a start must wait for, or nothing."""
        root = self._launcher.root
        with exclusive(os.path.join(root, "starts.lock"), timeout_seconds=LOCK_SECONDS):
            yield self._machine.blocking_reason(self._settings.max_workers, records)

    def next_queued(self, records: Records, owner: str) -> Worker | None:
        """The first that waits for nothing but room, when there is some; from now on it is ours to
        launch.
        """
        if not queue(records, owner):
            return None  # the usual case, without the lock
        with self._room(records) as no_room:
            reason = self._machine.limit_reason
            waiting = [one for one in queue(records, owner) if not reason(one.agent)]
            if no_room or not waiting:
                return None
            starter = process_identity.identity(os.getpid())
            before, worker = records.update(
                waiting[0].id, lambda one: one.leave_queue(starter, at=now())
            )
        return worker if before.status is Status.QUEUED else None


def run_of(worker: Worker) -> tuple[str, str, Status]:
    """What changes with each start."""
    return worker.process, worker.starter, worker.status


def _require_free(root: str, records: Records, worker: Worker) -> None:
    """Raises InvalidInput when there is a worker with this id in any repository: a terminal's name
    is made of it. Nobody else starts one meanwhile.
    """
    with disk_errors(root):
        homes = [os.path.join(root, name, WORKERS, worker.id) for name in os.listdir(root)]
    taken = [home for home in homes if os.path.lexists(home)]
    if records.home(worker.id) in taken:
        raise IdTaken(f"There is a worker {worker.id} already. Try again.")
    if taken:
        way_out = f"Give another key than {worker.key!r}." if worker.key else "Try again."
        raise InvalidInput(
            f"There is a worker {worker.id} of another repository ({taken[0]}). {way_out}"
        )
