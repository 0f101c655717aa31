"""A mailbox: a directory to which one delivers by rename, and from which one claims by rename.

No locks. `tmp/` holds what is being written, `new/` what waits, `claimed/<claimer>/` what a
reader has taken, `read/<claimer>/` what has been shown: the history. `pending/<claimer>` says
that the receipt for `read/<claimer>` is outstanding (see `receipts`). A crash repeats a
message, and the repeat is marked; it never loses one.
"""

import os
import sys
import time
from _collections_abc import Collection

from worker_manager.domain.message import ADOPTED, Message, decode
from worker_manager.errors import StateCorrupt, StateUnavailable, ignoring
from worker_manager.state import bells, process_identity
from worker_manager.state.files import (
    disk_errors,
    make_private,
    move,
    read_regular,
    remove,
    remove_tree,
    write_new,
)
from worker_manager.state.mail import shown
from worker_manager.state.mail.inbox import (
    AGAIN,
    SUFFIX,
    Inbox,
    id_of,
    listed,
    marked,
    names_in,
    own_stamp,
)

#: A day for what a killed sender left, a month for the history.
TMP_SECONDS, READ_SECONDS = 86_400, 30 * 86_400
#: Folders of the history: whoever prunes has something else to do.
PRUNED_AT_ONCE = 500
#: Messages whose senders a process remembers: a file in a mailbox never changes.
SENDERS_KNOWN = 20_000
_senders: dict[str, str] = {}


class Mailbox(Inbox):
    """The mailbox in a directory: its reader's side, and everything else."""

    def create(self) -> None:
        """Creates the folders that a sender needs; readers create the rest. Idempotent."""
        for name in ("tmp", "new"):
            make_private(self.folder(name))

    def deliver(self, message: Message) -> None:
        """Adds a message and notifies the home's listener; the message is durable when this
        returns.

        Raises StateUnavailable when the disk refuses; then nothing is left behind.
        """
        self._refuse_links()
        try:
            name = f"{self._stamp():020d}-{message.type}-{message.id}{SUFFIX}"
            self._put(name, message.encode())
        except OSError as error:
            raise StateUnavailable(
                f"The message was not delivered to {self.path}: {error.strerror}. "
                "Free or repair the disk, then send it again."
            ) from error
        bells.notify(os.path.dirname(self.path))

    def is_unread(self, message_id: str) -> bool:
        """Returns True if the message waits in `new/`."""
        return any(id_of(name) == message_id for name in self.waiting())

    def find(self, message_id: str) -> Message | None:
        """Returns the message with that id, waiting, claimed or shown; None when it is not here."""
        for name in self.waiting():
            if id_of(name) == message_id:
                return self.peek(name)
        path = self._taken(message_id) or shown.find(self.path, message_id, note=False)
        return self._load(path) if path else None

    def last_offered(self) -> tuple[float, float] | None:
        """Returns when the oldest unread message was delivered or touched last, and when the newest
        came, both in seconds since the epoch. None when nothing waits.
        """
        names = self.waiting()
        for name in names:  # the first may be taken at this moment
            with ignoring(FileNotFoundError):
                return os.stat(self.folder("new", name)).st_mtime, _stamp_of(names[-1]) / 1e9
        return None

    def taken_since(self) -> list[float]:
        """Returns when each unacknowledged claim was made, in seconds since the epoch."""
        return [_stamp_of(claimer) / 1e9 for claimer in names_in(self.folder("claimed"))]

    def has_reports_of(self, senders: Collection[str]) -> set[str]:
        """Returns the senders with a report about themselves that waits, or was claimed by a reader
        that has died.
        """
        dead = [claimer for claimer in names_in(self.folder("claimed")) if _has_ended(claimer)]
        paths = [self.folder("new", name) for name in self.waiting()]
        paths += [path for claimer in dead for path in self._paths("claimed", claimer)]
        found: set[str] = set()
        for path in paths:
            if len(found) == len(senders):
                break
            found |= {_reporter(path)}.intersection(senders)
        return found

    def contains(self, message_id: str) -> bool:
        """Returns True if a message of that id is or was here. Slow: for repairs only.

        It looks in the order in which messages move, and last once more where they may have been
        requeued: a message that moves at the same time is still found.
        """
        with disk_errors(self.path):
            return (
                self.is_unread(message_id)
                or bool(self._taken(message_id))
                or bool(shown.find(self.path, message_id, note=True))
                or self.is_unread(message_id)
            )

    def reader(self, message_id: str) -> str:
        """Returns the identity of the process that claimed a message; empty when none has."""
        path = self._taken(message_id) or shown.find(self.path, message_id, note=False)
        return os.path.basename(os.path.dirname(path)).partition("-")[2]

    def ids_read(self, claimer: str) -> list[str]:
        """Returns the ids of the messages that a claimer has shown."""
        return [id_of(name) for name in names_in(self.folder("read", claimer))]

    def resolve_receipts(
        self, claimer: str, missing: set[str], why: str, *, again_and_again: bool = False
    ) -> None:
        """Ends the wait for a claimer's receipts. Requeues the `missing` message ids: each once, or
        every time its receipt is missing (`again_and_again`). `why` goes into the journal.
        """

        def mark(name: str) -> str | None:
            is_wanted = id_of(name) in missing and (again_and_again or AGAIN not in name)
            return AGAIN if is_wanted else None

        self._move_back(self.folder("read", claimer), mark, why)
        remove(self.folder("pending", claimer))

    def transfer(self, other: "Mailbox", sender: str, again: Collection[str]) -> bool:
        """Moves a sender's waiting reports to another mailbox, and the shown messages with the ids
        `again`, marked as repeats. Returns True if more may come to wait here: a reader has claimed
        some, or their receipts are outstanding. Raises OSError or StateUnavailable.
        """
        self.release_stale()
        for name in self.waiting():
            if _reporter(self.folder("new", name)) == sender:
                self._transfer(self.folder("new", name), other, name)
        for message_id in again:
            path = shown.find(self.path, message_id, note=True)
            if path:
                self._transfer(path, other, marked(os.path.basename(path), AGAIN))
        bells.notify(os.path.dirname(other.path))
        unsettled = [("claimed", claimer) for claimer in names_in(self.folder("claimed"))]
        unsettled += [("read", claimer) for claimer in self.pending()]
        paths = [path for kept, claimer in unsettled for path in self._paths(kept, claimer)]
        return sender in map(_reporter, paths)

    def history(self, limit: int) -> list[tuple[Message, str]]:
        """Returns the last `limit` messages that were shown, each with its path, oldest first."""
        found: list[tuple[str, str]] = []
        for claimer in reversed(names_in(self.folder("read"))):
            found += [(os.path.basename(path), path) for path in self._paths("read", claimer)]
            if len(found) >= limit:
                break
        loaded = [(self._load(path), path) for _, path in sorted(found)[-limit:]]
        return [(message, path) for message, path in loaded if message is not None]

    def files(self, limit: int = sys.maxsize) -> dict[str, str]:
        """Paths of the message files here, by message id, oldest first: waiting, claimed, and shown
        ones. Reads folders of shown messages, newest first, until there are `limit` paths.
        Changes nothing.
        """
        found = [self.folder("new", name) for name in self.waiting()]
        for claimer in names_in(self.folder("claimed")):
            found += self._paths("claimed", claimer)
        for claimer in reversed(names_in(self.folder("read"))):
            if len(found) >= limit:
                break
            found += self._paths("read", claimer)
        found.sort(key=os.path.basename)
        names = ((os.path.basename(path), path) for path in found)
        return {id_of(name): path for name, path in names if name.endswith(SUFFIX)}

    def prune(self) -> None:
        """Removes what killed senders left in `tmp/` for TMP_SECONDS, and history older than
        READ_SECONDS, at most PRUNED_AT_ONCE folders of it.
        """
        self._refuse_links()
        now = time.time_ns()
        for name in names_in(self.folder("tmp")):
            if now - _stamp_of(name) > TMP_SECONDS * 10**9:
                remove(self.folder("tmp", name))
        old = [
            claimer
            for claimer in names_in(self.folder("read"))
            if now - _stamp_of(claimer) > READ_SECONDS * 10**9
        ]
        for claimer in old[:PRUNED_AT_ONCE]:
            with ignoring(OSError):
                remove_tree(self.folder("read", claimer))
        shown.forget_gone(self.path)

    def _transfer(self, source: str, other: "Mailbox", name: str) -> None:
        former = os.path.basename(os.path.dirname(self.path))
        with ignoring(FileNotFoundError):  # another one has moved it
            move(source, other.folder("new", name))
            other.note_requeued([name], former, "its worker was adopted from there")

    def _paths(self, kept: str, claimer: str) -> list[str]:
        return [self.folder(kept, claimer, name) for name in names_in(self.folder(kept, claimer))]

    def _taken(self, message_id: str) -> str:
        """Returns the path of a message that is claimed and not acknowledged; empty when it is
        not.
        """
        for claimer in reversed(names_in(self.folder("claimed"))):
            for path in self._paths("claimed", claimer):
                if id_of(os.path.basename(path)) == message_id:
                    return path
        return ""

    def _put(self, name: str, content: bytes) -> None:
        """Delivers a file. Raises OSError; then nothing of it is left."""
        temporary = self.folder("tmp", name)
        try:
            write_new(temporary, content)
            self._make_visible(temporary, name)
        except OSError:
            remove(temporary)
            raise

    def _make_visible(self, temporary: str, name: str) -> None:
        """The rename that delivers. Raises OSError; then it has not been delivered."""
        target = self.folder("new", name)
        directory = os.open(self.folder("new"), os.O_RDONLY)
        try:
            move(temporary, target)
            try:
                os.fsync(directory)
            except OSError:
                try:
                    os.unlink(target)
                except FileNotFoundError:
                    return  # a reader has it already: it is delivered
                raise
        finally:
            os.close(directory)

    def _stamp(self) -> int:
        """Returns a stamp that sorts after every message not yet shown, whatever the clock says."""
        folders = [self.folder("new")]
        folders += [self.folder("claimed", claimer) for claimer in names_in(self.folder("claimed"))]
        newest = max(max(listed(folder), default="") for folder in folders)
        return max(own_stamp(), 1 + _stamp_of(newest))


def _reporter(path: str) -> str:
    """Returns the sender of a report about the sender itself; empty for other messages and
    unreadable files. The file is left as it is.
    """
    if f"-{ADOPTED}-" in path:
        return ""
    if path not in _senders:
        try:
            sender = decode(read_regular(path)).sender
        except (OSError, StateCorrupt):
            return ""
        if len(_senders) >= SENDERS_KNOWN:
            _senders.clear()
        _senders[path] = sender
    return _senders[path]


def _has_ended(claimer: str) -> bool:
    return process_identity.has_ended(claimer.partition("-")[2])


def _stamp_of(name: str) -> int:
    stamp = name.partition("-")[0]
    return int(stamp) if stamp.isdigit() else 0
