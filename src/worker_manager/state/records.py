"""The workers' records: read without a lock, changed only as a function of the record under it."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime

from worker_manager.errors import StateCorrupt, WorkerNotFound
from worker_manager.models import Worker, from_json, to_json
from worker_manager.naming import checked_worker_id
from worker_manager.state import journal
from worker_manager.state.files import make_private, set_aside, write_atomic
from worker_manager.state.layout import WORKERS, mailbox_path, worker_home
from worker_manager.state.locking import exclusive
from worker_manager.state.mailbox import Mailbox


def now() -> str:
    """The time as records hold it: ISO, UTC, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Records:
    """The records of one repository's workers."""

    def __init__(self, repository: str) -> None:
        self.repository = repository

    def home(self, worker_id: str) -> str:
        """The worker's directory; raises WorkerNotFound when the id has not the form of one."""
        return worker_home(self.repository, checked_worker_id(worker_id))

    def create(self, worker: Worker) -> None:
        """Makes the worker's directory, its mailbox and its record."""
        home = self.home(worker.id)
        make_private(home)
        Mailbox(mailbox_path(home)).create()
        self._write(worker)

    def get(self, worker_id: str) -> Worker:
        """The record; raises WorkerNotFound, or StateCorrupt after setting it aside."""
        path = os.path.join(self.home(worker_id), "worker.json")
        try:
            with open(path, encoding="utf-8") as file:
                return from_json(json.load(file))
        except FileNotFoundError as error:
            raise WorkerNotFound(worker_id) from error
        except (ValueError, StateCorrupt) as error:
            aside = set_aside(path)
            journal.note(self.home(worker_id), "record set aside", path=aside)
            raise StateCorrupt(
                f"The record of worker {worker_id} can't be read and was set aside as {aside}."
            ) from error

    def update(self, worker_id: str, change: Callable[[Worker], Worker]) -> tuple[Worker, Worker]:
        """Changes a record under its lock; gives it as it was and as it is."""
        home = self.home(worker_id)
        if not os.path.isdir(home):
            raise WorkerNotFound(worker_id)
        with exclusive(os.path.join(home, "worker.lock")):
            before = self.get(worker_id)
            after = change(before)
            if after != before:
                self._write(after)
        if after.status is not before.status:
            journal.note(home, "status", status=after.status.value, reason=after.reason)
        return before, after

    def all(self) -> list[Worker]:
        """Every readable record, oldest first."""
        workers = []
        folder = os.path.join(self.repository, WORKERS)
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            try:
                workers.append(self.get(name))
            except (WorkerNotFound, StateCorrupt):
                continue  # being made, undone, or set aside and journalled
        return sorted(workers, key=lambda worker: (worker.created_at, worker.id))

    def _write(self, worker: Worker) -> None:
        content = json.dumps(to_json(worker), indent=1).encode()
        write_atomic(os.path.join(self.home(worker.id), "worker.json"), content)
