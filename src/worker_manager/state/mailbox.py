"""A mailbox: a directory to which one delivers by rename, and from which one claims by rename.

No locks. `tmp/` holds what is being written, `new/` what waits, `claimed/<claimer>/` what a
reader has taken, `read/<claimer>/` what has been shown: the history. `pending/<claimer>` says
that the receipt for `read/<claimer>` is outstanding (see `receipts`). A crash repeats a
message, and the repeat is marked; it never loses one.
"""

import os
import time
from _collections_abc import Iterator

from worker_manager.errors import StateUnavailable, ignoring
from worker_manager.messages import Message
from worker_manager.state import bells
from worker_manager.state.files import (
    disk_errors,
    make_private,
    move,
    remove,
    remove_tree,
    write_new,
)
from worker_manager.state.inbox import AGAIN, SUFFIX, Inbox, listed, names_in, own_stamp

#: A day for what a killed sender left, a month for the history.
TMP_SECONDS, READ_SECONDS = 86_400, 30 * 86_400


class Mailbox(Inbox):
    """The mailbox in a directory: what its reader can do, and all else."""

    def create(self) -> None:
        """Makes what a sender needs, its readers make the rest; does nothing when it is there."""
        for name in ("tmp", "new"):
            make_private(self.folder(name))

    def deliver(self, message: Message) -> None:
        """Puts a message into the mailbox, and rings the bell of its home; it survives a power
        cut when this returns.

        Raises StateUnavailable when the disk refuses; nothing is left behind then.
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
        bells.ring(os.path.dirname(self.path))

    def is_unread(self, message_id: str) -> bool:
        """Whether a message waits here."""
        return any(_id_of(name) == message_id for name in self.waiting())

    def find(self, message_id: str) -> Message | None:
        """The message of that id, shown or not; None when it is not here. Looks everywhere."""
        for name in self.waiting():
            if _id_of(name) == message_id:
                return self.peek(name)
        for kept in ("claimed", "read"):
            for claimer in reversed(names_in(self.folder(kept))):
                for name in names_in(self.folder(kept, claimer)):
                    if _id_of(name) == message_id:
                        return self._load(self.folder(kept, claimer, name))
        return None

    def last_ring(self) -> tuple[float, float] | None:
        """When what waits rang last, and when the newest of it came, in seconds since the epoch.
        None when nothing waits.
        """
        names = self.waiting()
        for name in names:  # the first may be taken at this moment
            with ignoring(FileNotFoundError):
                return os.stat(self.folder("new", name)).st_mtime, _stamp_of(names[-1]) / 1e9
        return None

    def taken_since(self) -> list[float]:
        """When readers took what they have not acknowledged yet, in seconds since the epoch."""
        return [_stamp_of(claimer) / 1e9 for claimer in names_in(self.folder("claimed"))]

    def senders(self) -> set[str]:
        """Whose messages wait."""
        messages = map(self.peek, self.waiting())
        return {message.sender for message in messages if message is not None}

    def contains(self, message_id: str) -> bool:
        """Whether a message of that id is or was here. Looks everywhere: for repairs only.

        It looks in the direction in which messages go, and at last once more where they may
        have been given back to: one that moves meanwhile is still found.
        """
        with disk_errors(self.path):
            return any(_id_of(name) == message_id for name in self._everywhere())

    def reader(self, message_id: str) -> str:
        """The identity of the process that has taken a message; empty when none has."""
        for kept in ("claimed", "read"):
            for claimer in reversed(names_in(self.folder(kept))):
                if message_id in map(_id_of, names_in(self.folder(kept, claimer))):
                    return claimer.partition("-")[2]
        return ""

    def ids_read(self, claimer: str) -> list[str]:
        """The ids of what a claimer has shown."""
        return [_id_of(name) for name in names_in(self.folder("read", claimer))]

    def settle(self, claimer: str, missing: set[str], *, again_and_again: bool = False) -> None:
        """The receipts of a claimer are in: the messages of these ids are to be shown again,
        once, or `again_and_again` when each time the receipt is missing.
        """

        def mark(name: str) -> str | None:
            is_wanted = _id_of(name) in missing and (again_and_again or AGAIN not in name)
            return AGAIN if is_wanted else None

        self._move_back(self.folder("read", claimer), mark)
        remove(self.folder("pending", claimer))

    def hand_over(self, other: "Mailbox", sender: str) -> None:
        """Moves what waits from a sender to another mailbox."""
        self.release_stale()
        for name in self.waiting():
            message = self.peek(name)
            if message is not None and message.sender == sender:
                with ignoring(FileNotFoundError):
                    move(self.folder("new", name), other.folder("new", name))

    def history(self, most: int) -> list[tuple[Message, str]]:
        """The messages shown last and where each lies, oldest first."""
        found = [
            (name, os.path.join(self.folder("read", claimer), name))
            for claimer in names_in(self.folder("read"))
            for name in names_in(self.folder("read", claimer))
        ]
        loaded = [(self._load(path), path) for _, path in sorted(found)[-most:]]
        return [(message, path) for message, path in loaded if message is not None]

    def files(self) -> dict[str, str]:
        """Every message that is or was here: the path of its file, by its id. Only looks."""
        folders = [self.folder("new")]
        for kept in ("claimed", "read"):
            folders += [self.folder(kept, claimer) for claimer in names_in(self.folder(kept))]
        found = [
            (name, os.path.join(folder, name)) for folder in folders for name in names_in(folder)
        ]
        return {_id_of(name): path for name, path in sorted(found) if name.endswith(SUFFIX)}

    def prune(self) -> None:
        """Removes what killed senders left in `tmp/`, and history older than a month."""
        self._refuse_links()
        now = time.time_ns()
        for name in names_in(self.folder("tmp")):
            if now - _stamp_of(name) > TMP_SECONDS * 10**9:
                remove(self.folder("tmp", name))
        for claimer in names_in(self.folder("read")):
            if now - _stamp_of(claimer) > READ_SECONDS * 10**9:
                with ignoring(OSError):
                    remove_tree(self.folder("read", claimer))

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

    def _everywhere(self) -> Iterator[str]:
        yield from self.waiting()
        for kept in ("claimed", "read"):
            for claimer in names_in(self.folder(kept)):
                yield from names_in(self.folder(kept, claimer))
        yield from self.waiting()

    def _stamp(self) -> int:
        """Behind every message that is not yet shown, whatever the clock says: its order."""
        folders = [self.folder("new")]
        folders += [self.folder("claimed", claimer) for claimer in names_in(self.folder("claimed"))]
        newest = max(max(listed(folder), default="") for folder in folders)
        return max(own_stamp(), 1 + _stamp_of(newest))


def _id_of(name: str) -> str:
    return name.rpartition("-")[2].partition(".")[0]


def _stamp_of(name: str) -> int:
    stamp = name.partition("-")[0]
    return int(stamp) if stamp.isdigit() else 0
