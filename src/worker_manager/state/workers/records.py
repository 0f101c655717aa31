"""The workers' records: read without a lock, changed only as a function of the record under it."""

import glob
import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from operator import attrgetter

from worker_manager.domain.identifiers import checked_worker_id, is_worker_id, random_hex
from worker_manager.domain.worker import Worker
from worker_manager.domain.worker_json import from_json, to_json
from worker_manager.errors import StateCorrupt, StateUnavailable, WorkerNotFound
from worker_manager.state import bells, journal
from worker_manager.state.files import (
    disk_errors,
    make_private,
    move,
    read_regular,
    refuse_link,
    remove_tree,
    set_aside,
    sync,
    unavailable,
    write_atomic,
    write_new,
)
from worker_manager.state.layout import WORKERS, mailbox_path, orchestrator_home, worker_home
from worker_manager.state.locking import exclusive
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers import delivery_note, launches

RECORD = "worker.json"
#: A worker's directory has this before its id while it is being made.
DRAFT = ".new-"
DRAFT_SECONDS = 86_400
#: So many changes of a record lie between two of the same size.
SIZES = 512


def now() -> str:
    """The time as records hold it: ISO, UTC, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Records:
    """The records of one repository's workers."""

    def __init__(self, repository: str) -> None:
        self.repository = repository
        self._read: dict[str, tuple[tuple[int, ...], Worker]] = {}
        #: How often this has written a record.
        self.writes = 0

    def home(self, worker_id: str) -> str:
        """Returns the worker's directory. Raises WorkerNotFound for a text that is no id."""
        return worker_home(self.repository, checked_worker_id(worker_id))

    def create(self, worker: Worker, files: Mapping[str, str] | None = None) -> Callable[[], None]:
        """Creates the worker's directory with mailbox, record and `files`, atomically: killed
        before, nothing looks like a worker. Returns a callable that syncs it to disk, and on
        failure removes the worker and raises StateUnavailable; before it is called, a power cut may
        leave an unreadable record.
        """
        draft = os.path.join(self.repository, WORKERS, f"{DRAFT}{worker.id}")
        contents = {**(files or {}), RECORD: _encoded(worker)}
        with ExitStack() as undo:
            undo.callback(_discard, draft)
            _discard(draft)  # one that was killed has begun a worker of this id
            make_private(draft)
            Mailbox(mailbox_path(draft)).create()
            self.writes += 1
            for name, text in contents.items():
                with disk_errors(os.path.join(draft, name)):
                    write_new(os.path.join(draft, name), text.encode(), durable=False)
            with disk_errors(draft):
                move(draft, self.home(worker.id))
            undo.pop_all()
        bells.notify(orchestrator_home(self.repository, worker.owner))
        return lambda: self._sync(worker.id, contents)

    def _sync(self, worker_id: str, names: Collection[str]) -> None:
        home = self.home(worker_id)
        with ExitStack() as undo, disk_errors(home):
            undo.callback(self.remove, worker_id)
            for path in (*(os.path.join(home, name) for name in names), home):
                sync(path)
            sync(os.path.dirname(home))
            undo.pop_all()

    def remove(self, worker_id: str) -> None:
        """Removes a worker's directory in one step, with all in it: killed here, nothing is left
        that looks like a worker. What the disk refuses stays.
        """
        gone = os.path.join(self.repository, WORKERS, f"{DRAFT}{worker_id}-{random_hex(4)}")
        with suppress(OSError):
            move(self.home(worker_id), gone)
        _discard(gone)

    def load(self, worker_id: str) -> Worker:
        """Returns the record. Raises WorkerNotFound, StateUnavailable when the disk refuses,
        StateCorrupt after setting an unreadable record aside.
        """
        path = os.path.join(self.home(worker_id), RECORD)
        refuse_link(os.path.dirname(path))
        try:
            return self.peek(worker_id)
        except StateCorrupt as error:
            aside = set_aside(path)
            journal.note(self.home(worker_id), "record set aside", path=aside)
            raise StateCorrupt(
                f"The record of worker {worker_id} can't be read and was set aside as {aside}."
            ) from error

    def ids(self, besides: Collection[str] = ()) -> list[str]:
        """Returns the ids that have a directory, without those in `besides`. Raises
        StateUnavailable.
        """
        folder = os.path.join(self.repository, WORKERS)
        with disk_errors(folder):
            names = os.listdir(folder) if os.path.isdir(folder) else []
        return [name for name in names if name not in besides and is_worker_id(name)]

    def peek(self, worker_id: str) -> Worker:
        """Returns the record without ever changing anything: an unreadable record stays where it
        is. Raises as `load`.
        """
        home = self.home(worker_id)
        path = os.path.join(home, RECORD)
        try:
            return _with_notes(from_json(json.loads(read_regular(path))), home)
        except FileNotFoundError as error:
            raise WorkerNotFound(worker_id) from error
        except OSError as error:
            raise unavailable(path, error) from error
        except (ValueError, StateCorrupt) as error:
            raise StateCorrupt(f"The record {path} can't be read.") from error

    def update(self, worker_id: str, change: Callable[[Worker], Worker]) -> tuple[Worker, Worker]:
        """Applies `change` to a record under its lock. Returns the record before and after. Raises
        as `load`, StateBusy when the lock is held for too long.
        """
        home = self.home(worker_id)
        if not os.path.isdir(home):
            raise WorkerNotFound(worker_id)
        refuse_link(home)
        with exclusive(os.path.join(home, "worker.lock")):
            before = self.load(worker_id)
            after = change(before)
            if after != before:
                if before.launched and not after.launched:
                    with disk_errors(home):
                        launches.forget(home, launches.PROCESS)
                _write(home, after)
                self.writes += 1
        if after != before:
            bells.notify(orchestrator_home(self.repository, after.owner))
        if after.status is not before.status:
            journal.note(home, "status", status=after.status.value, reason=after.reason)
        return before, after

    def all(self) -> list[Worker]:
        """Returns every readable record, oldest first; reads only files that have changed since."""
        workers = []
        folder = os.path.join(self.repository, WORKERS)
        with disk_errors(folder):
            names = os.listdir(folder) if os.path.isdir(folder) else []
        for name in names:
            try:
                workers.append(self._as_read(name, f"{folder}/{name}/{RECORD}"))
            except (WorkerNotFound, StateUnavailable):
                self._read.pop(name, None)  # being made, undone, or among the `damaged`
        return sorted(workers, key=attrgetter("created_at", "id"))

    def _as_read(self, worker_id: str, path: str) -> Worker:
        """Returns the record, from the cache if its file has not changed. Raises as `load`."""
        stamp = stamp_of(path)
        read = self._read.get(worker_id)
        if read is not None and read[0] == stamp:
            worker = _with_notes(read[1], os.path.dirname(path))
        else:
            worker = self.load(worker_id)
        self._read[worker_id] = (stamp, worker)
        return worker

    def damaged(self) -> list[str]:
        """Returns the paths of unreadable records, or of where they were set aside."""
        found = []
        for worker_id in self.ids(besides=self._read):
            home = self.home(worker_id)
            if not os.access(f"{home}/{RECORD}", os.R_OK):
                found += sorted(glob.glob(os.path.join(glob.escape(home), f"{RECORD}*")))[-1:]
        return sorted(found)

    def prune(self) -> None:
        """Removes `old_drafts`."""
        for draft in self.old_drafts():
            with suppress(OSError):
                remove_tree(draft)

    def old_drafts(self) -> list[str]:
        """Returns directories left by starts that were killed more than DRAFT_SECONDS ago."""
        drafts = glob.glob(os.path.join(glob.escape(self.repository), WORKERS, f"{DRAFT}*"))
        return [draft for draft in drafts if _age(draft) > DRAFT_SECONDS]


def stamp_of(path: str) -> tuple[int, ...]:
    """Returns a stamp of a record's file that differs for each version; empty without a file.
    Records are replaced, never written in place, and consecutive versions differ in size.
    """
    try:
        found = os.lstat(path)
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _with_notes(worker: Worker, home: str) -> Worker:
    """Returns a worker with what was noted beside its record since that was written."""
    return delivery_note.with_note(launches.with_process(worker, home), home)


def _discard(directory: str) -> None:
    with suppress(OSError):
        remove_tree(directory)


def _age(path: str) -> float:
    """Returns the age in seconds; 0 when it is gone."""
    with suppress(OSError):
        return time.time() - os.stat(path).st_mtime
    return 0.0


def _write(home: str, worker: Worker) -> None:
    """Pads the record with blanks so that its size, modulo SIZES, is one more than before: time
    stamps of whole seconds and a reused inode do not tell two versions apart.
    """
    path = os.path.join(home, RECORD)
    with disk_errors(path):
        before = os.lstat(path).st_size
    content = _encoded(worker).encode()
    write_atomic(path, content + b" " * ((before + 1 - len(content)) % SIZES))


def _encoded(worker: Worker) -> str:
    return json.dumps(to_json(worker), indent=1)
