"""A mailbox: a directory to which one delivers by rename, and from which one claims by rename.

No locks. `tmp/` holds what is being written, `new/` what waits, `claimed/<claimer>/` what a
reader has taken, `read/<claimer>/` what has been shown: the history. `pending/<claimer>` says
that the receipt for `read/<claimer>` is outstanding (see `receipts`). A crash repeats a
message, and the repeat is marked; it never loses one.
"""

import os
import sys
import time
from _collections_abc import Callable, Iterator

from worker_manager.errors import StateCorrupt, StateUnavailable, ignoring
from worker_manager.messages import ANSWER, DECISION, Message, decode
from worker_manager.state import processes
from worker_manager.state.files import (
    disk_errors,
    make_private,
    move,
    read_regular,
    refuse_link,
    remove_tree,
    write_new,
)

SUFFIX = ".mail"
#: In a file's name: its reader died, perhaps after showing it; its receipt never came.
MAYBE, AGAIN = ".maybe", ".again"
#: A day for what a killed sender left, a month for the history.
TMP_SECONDS, READ_SECONDS = 86_400, 30 * 86_400
_last_stamp = 0


class Claim:
    """Messages taken out of a mailbox, in order, not yet acknowledged. `left` wait still."""

    def __init__(self, mailbox: "Mailbox", claimer: str) -> None:
        self._mailbox = mailbox
        self._claimer = claimer
        self._files: list[str] = []
        self.messages: list[Message] = []
        self.left = 0

    @property
    def files(self) -> list[str]:
        """Where each whole message lies once it is acknowledged."""
        folder = self._mailbox.folder("read", self._claimer)
        return [os.path.join(folder, name) for name in self._files]

    def add(self, name: str, message: Message) -> None:
        """One more, taken by the mailbox."""
        self._files.append(name)
        self.messages.append(message)

    def acknowledge(self, receipt: str = "") -> None:
        """They were shown: one rename for the whole batch. `receipt` tells where a receipt is
        to be looked for; empty when there will be none.
        """
        if receipt:
            mark = self._mailbox.folder("pending", self._claimer)
            try:
                # Not synced: a power cut leaves at least its name, and that says enough.
                write_new(mark, receipt.encode(), durable=False)
            except OSError:
                _remove(mark)  # a disk that has no room for it must not have them shown twice
        source = self._mailbox.folder("claimed", self._claimer)
        move(source, self._mailbox.folder("read", self._claimer))

    def release(self) -> None:
        """They were not shown: back to `new/`."""
        self._mailbox.give_back(self._claimer)


class Mailbox:
    """The mailbox in a directory."""

    def __init__(self, path: str) -> None:
        self.path = path

    def folder(self, *parts: str) -> str:
        """A path inside the mailbox."""
        return os.path.join(self.path, *parts)

    def create(self) -> None:
        """Makes the folders; does nothing when they are there."""
        for name in ("tmp", "new", "claimed", "pending", "read", "corrupt"):
            make_private(self.folder(name))

    def deliver(self, message: Message) -> None:
        """Puts a message into the mailbox, and rings the bell of its home; it survives a power
        cut when this returns.

        Raises StateUnavailable when the disk refuses; nothing is left behind then.
        """
        from worker_manager.state import bells  # who only reads needs none

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

    def waiting(self) -> list[str]:
        """File names in `new/`, oldest first."""
        return [name for name in _names(self.folder("new")) if name.endswith(SUFFIX)]

    def is_unread(self, message_id: str) -> bool:
        """Whether a message waits here."""
        return any(_id_of(name) == message_id for name in self.waiting())

    def peek(self, name: str) -> Message | None:
        """The message of a file in `new/`, left there; None when it is gone."""
        return self._load(self.folder("new", name))

    def find(self, message_id: str) -> Message | None:
        """The message of that id, shown or not; None when it is not here. Looks everywhere."""
        for name in self.waiting():
            if _id_of(name) == message_id:
                return self.peek(name)
        for kept in ("claimed", "read"):
            for claimer in reversed(_names(self.folder(kept))):
                for name in _names(self.folder(kept, claimer)):
                    if _id_of(name) == message_id:
                        return self._load(self.folder(kept, claimer, name))
        return None

    def ring(self) -> None:
        """Has Claude Code, which watches `new/`, see what waits there as if it had just come."""
        for name in self.waiting()[:1]:
            with ignoring(OSError):
                os.utime(self.folder("new", name))

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
        return [_stamp_of(claimer) / 1e9 for claimer in _names(self.folder("claimed"))]

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
            for claimer in reversed(_names(self.folder(kept))):
                if message_id in map(_id_of, _names(self.folder(kept, claimer))):
                    return claimer.partition("-")[2]
        return ""

    def claim(
        self,
        *,
        most: int = 50,
        room: int = sys.maxsize,
        cost: Callable[[int], int] = lambda size: size,
        accept: Callable[[str], bool] = lambda _: True,
        when_stale: Callable[[], None] = lambda: None,
    ) -> Claim | None:
        """Takes the oldest waiting messages: at least one, then as long as there is `room` for
        what the next one costs (`cost` of its size in bytes). `accept` sees file names. None when
        there is nothing to take. `when_stale` is called when a reader has died. Raises
        StateUnavailable when the disk refuses.
        """
        try:
            if self.release_stale():
                when_stale()
            return self._claim(most, room, cost, accept)
        except OSError as error:
            raise StateUnavailable(
                f"The mail in {self.path} can't be taken out: {error.strerror}. It waits there. "
                "Free or repair the disk, then try again."
            ) from error

    def release_stale(self) -> bool:
        """Gives back what readers that have died since had taken; whether there was any."""
        self._refuse_links()
        found = False
        for claimer in _names(self.folder("claimed")):
            if processes.has_ended(claimer.partition("-")[2]):
                self.give_back(claimer, MAYBE)
                found = True
        return found

    def give_back(self, claimer: str, mark: str = "") -> None:
        """Moves a claimer's messages back to `new/`. Several may do it at once."""
        self._move_back(self.folder("claimed", claimer), lambda _: mark)
        with ignoring(OSError):
            os.rmdir(self.folder("claimed", claimer))

    def pending(self) -> list[str]:
        """Claimers whose receipts are outstanding, oldest first."""
        return _names(self.folder("pending"))

    def ids_read(self, claimer: str) -> list[str]:
        """The ids of what a claimer has shown."""
        return [_id_of(name) for name in _names(self.folder("read", claimer))]

    def settle(self, claimer: str, missing: set[str], *, again_and_again: bool = False) -> None:
        """The receipts of a claimer are in: the messages of these ids are to be shown again,
        once, or `again_and_again` when each time the receipt is missing.
        """

        def mark(name: str) -> str | None:
            is_wanted = _id_of(name) in missing and (again_and_again or AGAIN not in name)
            return AGAIN if is_wanted else None

        self._move_back(self.folder("read", claimer), mark)
        _remove(self.folder("pending", claimer))

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
            for claimer in _names(self.folder("read"))
            for name in _names(self.folder("read", claimer))
        ]
        loaded = [(self._load(path), path) for _, path in sorted(found)[-most:]]
        return [(message, path) for message, path in loaded if message is not None]

    def files(self) -> dict[str, str]:
        """Every message that is or was here: the path of its file, by its id. Only looks."""
        folders = [self.folder("new")]
        for kept in ("claimed", "read"):
            folders += [self.folder(kept, claimer) for claimer in _names(self.folder(kept))]
        found = [
            (name, os.path.join(folder, name)) for folder in folders for name in _names(folder)
        ]
        return {_id_of(name): path for name, path in sorted(found) if name.endswith(SUFFIX)}

    def prune(self) -> None:
        """Removes what killed senders left in `tmp/`, and history older than a month."""
        self._refuse_links()
        now = time.time_ns()
        for name in _names(self.folder("tmp")):
            if now - _stamp_of(name) > TMP_SECONDS * 10**9:
                _remove(self.folder("tmp", name))
        for claimer in _names(self.folder("read")):
            if now - _stamp_of(claimer) > READ_SECONDS * 10**9:
                with ignoring(OSError):
                    remove_tree(self.folder("read", claimer))

    def _refuse_links(self) -> None:
        """Nothing is taken, moved or removed through a link. Raises StateUnavailable."""
        refuse_link(self.path)
        for name in ("tmp", "new", "claimed", "read"):
            folder = self.folder(name)
            if os.path.islink(folder):
                refuse_link(folder)

    def _put(self, name: str, content: bytes) -> None:
        """Delivers a file. Raises OSError; then nothing of it is left."""
        temporary = self.folder("tmp", name)
        try:
            write_new(temporary, content)
            self._make_visible(temporary, name)
        except OSError:
            _remove(temporary)
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

    def _claim(
        self, most: int, room: int, cost: Callable[[int], int], accept: Callable[[str], bool]
    ) -> Claim | None:
        """As `claim`. Raises OSError; then nothing is taken."""
        names = [name for name in self.waiting() if accept(name)]
        if not names:
            return None
        claimer = f"{self._own_stamp():020d}-{processes.identity(os.getpid())}"
        claim = Claim(self, claimer)
        os.mkdir(self.folder("claimed", claimer), 0o700)
        try:
            self._fill(claim, claimer, names, most, room, cost)
        except OSError:
            self.give_back(claimer)
            raise
        if claim.messages:
            return claim
        os.rmdir(self.folder("claimed", claimer))
        return None

    def _fill(
        self,
        claim: Claim,
        claimer: str,
        names: list[str],
        most: int,
        room: int,
        cost: Callable[[int], int],
    ) -> None:
        for position, name in enumerate(names):
            room -= cost(self._size(name))
            if claim.messages and (len(claim.messages) == most or room < 0):
                claim.left = len(names) - position
                return
            target = self.folder("claimed", claimer, name)
            try:
                move(self.folder("new", name), target)
            except FileNotFoundError:
                if claim.messages:
                    return  # another reader has gone on from here: order is kept so
                continue
            message = self._load(target)
            if message is not None:
                message.repeat = MAYBE in name or AGAIN in name
                claim.add(name, message)

    def _move_back(self, folder: str, mark: Callable[[str], str | None]) -> None:
        """Back to `new/` under a name with the mark; None leaves a file where it is."""
        refuse_link(folder)
        for name in _names(folder):
            added = mark(name)
            if added is None:
                continue
            base = name.removesuffix(SUFFIX)
            marked = name if added in base else f"{base.removesuffix(MAYBE)}{added}{SUFFIX}"
            with ignoring(FileNotFoundError):
                move(os.path.join(folder, name), self.folder("new", marked))

    def _load(self, path: str) -> Message | None:
        """None when it is gone, or is no whole message: then it is set aside. Raises OSError."""
        try:
            return decode(read_regular(path))
        except FileNotFoundError:
            return None
        except StateCorrupt as error:
            from worker_manager.state.journal import note

            aside = self.folder("corrupt", os.path.basename(path))
            with ignoring(FileNotFoundError):
                move(path, aside)
                note(os.path.dirname(self.path), "mail set aside", path=aside, why=str(error))
            return None

    def _size(self, name: str) -> int:
        try:
            return os.lstat(self.folder("new", name)).st_size
        except FileNotFoundError:
            return 0

    def _everywhere(self) -> Iterator[str]:
        yield from self.waiting()
        for kept in ("claimed", "read"):
            for claimer in _names(self.folder(kept)):
                yield from _names(self.folder(kept, claimer))
        yield from self.waiting()

    def _stamp(self) -> int:
        """Behind every message that is not yet shown, whatever the clock says: its order."""
        folders = [self.folder("new")]
        folders += [self.folder("claimed", claimer) for claimer in _names(self.folder("claimed"))]
        newest = max(max(_listed(folder), default="") for folder in folders)
        return max(self._own_stamp(), 1 + _stamp_of(newest))

    def _own_stamp(self) -> int:
        """Nanoseconds since the epoch, never the same and never smaller in one process."""
        global _last_stamp
        _last_stamp = max(time.time_ns(), _last_stamp + 1)
        return _last_stamp


def is_answer(name: str) -> bool:
    """Whether a file name is that of an answer."""
    return f"-{ANSWER}-" in name


def is_decision(name: str) -> bool:
    """Whether a file name is that of a decision, which no one but the hook that waits may take."""
    return f"-{DECISION}-" in name


def _names(folder: str) -> list[str]:
    return sorted(_listed(folder))


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _id_of(name: str) -> str:
    return name.rpartition("-")[2].partition(".")[0]


def _stamp_of(name: str) -> int:
    stamp = name.partition("-")[0]
    return int(stamp) if stamp.isdigit() else 0


def _remove(path: str) -> None:
    with ignoring(OSError):
        os.unlink(path)
