"""The reader's side of a mailbox: what waits there, and how it is taken. See `mailbox` for the
rest; hooks load this alone.
"""

import os
import sys
import time
from _collections_abc import Callable

from worker_manager.domain.message import (
    ANSWER,
    BLOCKED,
    DECISION,
    LIMIT,
    PERMISSION,
    QUESTION,
    Message,
    decode,
)
from worker_manager.errors import StateCorrupt, StateUnavailable, ignoring
from worker_manager.state import process_identity
from worker_manager.state.files import (
    move,
    read_regular,
    refuse_link,
    remove,
    write_new,
)
from worker_manager.state.layout import (
    REQUESTS,
    WAITING,
    repository_of,
    transcript_of,
    worker_home,
)

SUFFIX = ".mail"
#: In a file's name: its reader died, perhaps after showing it; its receipt never came.
MAYBE, AGAIN = ".maybe", ".again"
_ASKING = (QUESTION, PERMISSION, BLOCKED, LIMIT)
_last_stamp = 0


class Claim:
    """Messages claimed from an inbox, in order, not yet acknowledged. `left`: how many still
    wait.
    """

    def __init__(self, inbox: "Inbox", claimer: str) -> None:
        self._inbox = inbox
        self._claimer = claimer
        self._files: list[str] = []
        self.messages: list[Message] = []
        self.left = 0

    @property
    def files(self) -> list[str]:
        """Paths at which the messages are once they are acknowledged."""
        folder = self._inbox.folder("read", self._claimer)
        return [os.path.join(folder, name) for name in self._files]

    def add(self, name: str, message: Message) -> None:
        """Adds a message; for the inbox."""
        self._files.append(name)
        self.messages.append(message)

    def acknowledge(self, receipt: str = "") -> None:
        """Marks all messages as shown, by one rename. `receipt` says where to look for their
        receipts (see `expect_receipt`); empty when there will be none.
        """
        if receipt:
            mark = self._inbox.folder("pending", self._claimer)
            try:
                # Not synced: a power cut leaves at least its name, and that says enough.
                write_new(mark, receipt.encode(), durable=False)
            except OSError:
                remove(mark)  # a disk that has no room for it must not have them shown twice
        source = self._inbox.folder("claimed", self._claimer)
        move(source, self._inbox.folder("read", self._claimer))

    def release(self) -> None:
        """Requeues the messages: they were not shown."""
        self._inbox.requeue(self._claimer, "its reader did not show it")


class Inbox:
    """The reader's side of the mailbox in a directory."""

    def __init__(self, path: str) -> None:
        self.path = path

    def folder(self, *parts: str) -> str:
        """A path inside the mailbox."""
        return os.path.join(self.path, *parts)

    def waiting(self) -> list[str]:
        """File names in `new/`, oldest first."""
        return [name for name in names_in(self.folder("new")) if name.endswith(SUFFIX)]

    def peek(self, name: str) -> Message | None:
        """Returns the message of a file in `new/` without claiming it; None when it is gone."""
        return self._load(self.folder("new", name))

    def touch_oldest(self) -> None:
        """Touches the oldest unread message so that Claude Code's file watch fires again."""
        for name in self.waiting()[:1]:
            with ignoring(OSError):
                os.utime(self.folder("new", name))

    def claim(
        self,
        *,
        limit: int = 50,
        budget: int = sys.maxsize,
        cost: Callable[[int], int] = lambda size: size,
        accept: Callable[[str], bool] = lambda _: True,
        when_stale: Callable[[], None] = lambda: None,
    ) -> Claim | None:
        """Takes the oldest waiting messages: at most `limit`; at least one, then more as long as
        `budget` covers the sum of their costs (`cost` maps a size in bytes). `accept` filters file
        names. None when there is nothing to take. `when_stale` is called when messages of a dead
        reader were requeued. Raises StateUnavailable when the disk refuses.
        """
        try:
            if self.release_stale():
                when_stale()
            return self._claim(limit, budget, cost, accept)
        except OSError as error:
            raise StateUnavailable(
                f"The mail in {self.path} can't be taken out: {error.strerror}. It waits there. "
                "Free or repair the disk, then try again."
            ) from error

    def release_stale(self) -> bool:
        """Requeues the messages of readers that have died. Returns True if there were any such
        readers.
        """
        self._refuse_links()
        found = False
        for claimer in names_in(self.folder("claimed")):
            if process_identity.has_ended(claimer.partition("-")[2]):
                self.requeue(claimer, "its reader ended before it had said it was shown", MAYBE)
                found = True
        return found

    def requeue(self, claimer: str, why: str, mark: str = "") -> None:
        """Moves a claimer's messages back to `new/`. Several processes may do it at once."""
        self._move_back(self.folder("claimed", claimer), lambda _: mark, why)
        with ignoring(OSError):
            os.rmdir(self.folder("claimed", claimer))

    def shown(self, claimer: str) -> list[Message]:
        """Returns the messages that a claimer has shown, in order."""
        folder = self.folder("read", claimer)
        loaded = [self._load(os.path.join(folder, name)) for name in names_in(folder)]
        return [message for message in loaded if message is not None]

    def pending(self) -> list[str]:
        """Returns the claimers whose receipts are outstanding, oldest first."""
        return names_in(self.folder("pending"))

    def _refuse_links(self) -> None:
        """Nothing is taken, moved or removed through a link. Raises StateUnavailable."""
        refuse_link(self.path)
        for name in ("tmp", "new", "claimed", "pending", "read", "corrupt"):
            folder = self.folder(name)
            if os.path.islink(folder):
                refuse_link(folder)

    def _claim(
        self, limit: int, budget: int, cost: Callable[[int], int], accept: Callable[[str], bool]
    ) -> Claim | None:
        """`claim` without the messages of dead readers. Raises OSError; then nothing is claimed."""
        names = [name for name in self.waiting() if accept(name)]
        if not names:
            return None
        claimer = f"{own_stamp():020d}-{process_identity.identity(os.getpid())}"
        claim = Claim(self, claimer)
        self._make_folder(claimer)
        try:
            self._fill(claim, claimer, names, limit, budget, cost)
        except OSError:
            self.requeue(claimer, "the disk refused to have it taken")
            raise
        if claim.messages:
            return claim
        self.requeue(claimer, "it can't be read")  # nor set aside; mostly nothing
        return None

    def _make_folder(self, claimer: str) -> None:
        try:
            os.mkdir(self.folder("claimed", claimer), 0o700)
        except FileNotFoundError:  # the first reader
            for name in ("pending", "read", "claimed"):
                self._make(name)
            os.mkdir(self.folder("claimed", claimer), 0o700)

    def _make(self, name: str) -> None:
        with ignoring(FileExistsError):
            os.mkdir(self.folder(name), 0o700)

    def _fill(
        self,
        claim: Claim,
        claimer: str,
        names: list[str],
        limit: int,
        budget: int,
        cost: Callable[[int], int],
    ) -> None:
        for position, name in enumerate(names):
            budget -= cost(self._size(name))
            if claim.messages and (len(claim.messages) == limit or budget < 0):
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

    def _move_back(self, folder: str, mark: Callable[[str], str | None], why: str) -> None:
        """Moves files back to `new/`, under names with the mark; a mark of None leaves the file."""
        refuse_link(folder)
        moved: list[str] = []
        try:
            for name in names_in(folder):
                added = mark(name)
                if added is None:
                    continue
                with ignoring(FileNotFoundError):  # another one has moved it, and noted that
                    move(os.path.join(folder, name), self.folder("new", marked(name, added)))
                    moved.append(name)
        finally:
            self.note_requeued(moved, os.path.basename(folder), why)

    def note_requeued(self, names: list[str], reader: str, why: str) -> None:
        """Writes into the journal of this mailbox's home which messages (file names) wait here
        once more, which reader had them, and why: one line, none for no message.
        """
        if names:
            from worker_manager.state.journal import note

            letters = [id_of(name) for name in names]
            note(os.path.dirname(self.path), "requeued", letters=letters, reader=reader, why=why)

    def _load(self, path: str) -> Message | None:
        """Returns a message; None when its file is gone or is no whole message: then it is set
        aside, unless the disk refuses. Raises OSError.
        """
        try:
            message = decode(read_regular(path))
        except FileNotFoundError:
            return None
        except StateCorrupt as error:
            from worker_manager.state.journal import note

            aside = self.folder("corrupt", os.path.basename(path))
            with ignoring(OSError):
                self._make("corrupt")
                move(path, aside)
                note(os.path.dirname(self.path), "mail set aside", path=aside, why=str(error))
            return None
        message.is_over = _is_over(os.path.dirname(self.path), message)
        return message

    def _size(self, name: str) -> int:
        try:
            return os.lstat(self.folder("new", name)).st_size
        except FileNotFoundError:
            return 0


def expect_receipt(home: str) -> str:
    """Where the receipt of what is shown next will stand: offset and path of the transcript.
    Empty when the transcript isn't known: then no receipt is expected.
    """
    path = transcript_of(home)
    if not path:
        return ""
    try:
        return f"{os.stat(path).st_size} {path}"
    except OSError:
        return f"0 {path}"


def place_of_receipt(mark: bytes) -> tuple[int | None, str]:
    """Offset and path of a transcript, as a mark in `pending/` has them; without an offset the
    machine went down before the mark was on the disk.
    """
    offset, _, path = mark.decode("utf-8", "surrogateescape").partition(" ")
    return (int(offset) if offset.isdigit() else None), path


def _is_over(home: str, message: Message) -> bool:
    """Whether what a worker waited for has come, or it waits no more. Not so when that isn't known.
    Reads no JSON, which is slow to load; the quotation marks of a worker's text are others there.
    """
    if message.type not in _ASKING or not message.sender.isalnum():
        return False
    worker = worker_home(repository_of(home), message.sender)
    if os.access(os.path.join(worker, REQUESTS, message.id), os.F_OK):
        return False
    try:
        record = read_regular(os.path.join(worker, "worker.json"))
    except (OSError, StateCorrupt):
        return False
    waits = b'"status": "asking"' in record or b'"status": "blocked"' in record
    return not (waits and (message.id.encode() in record or _is_asked(worker, message.id)))


def _is_asked(worker: str, question_id: str) -> bool:
    """Whether an `ask` waits for the answer, beside which a dialog was opened."""
    with ignoring(OSError, StateCorrupt):
        return question_id.encode() in read_regular(os.path.join(worker, WAITING))
    return False


def id_of(name: str) -> str:
    """The message's id in its file's name."""
    return name.rpartition("-")[2].partition(".")[0]


def marked(name: str, mark: str) -> str:
    """A message's file name with a mark; one that was shown for sure stays so."""
    base = name.removesuffix(SUFFIX)
    return name if mark in base else f"{base.removesuffix(MAYBE)}{mark}{SUFFIX}"


def is_answer(name: str) -> bool:
    """Whether a file name is that of an answer."""
    return f"-{ANSWER}-" in name


def is_decision(name: str) -> bool:
    """Whether a file name is that of a decision, which no one but the hook that waits may take."""
    return f"-{DECISION}-" in name


def own_stamp() -> int:
    """Nanoseconds since the epoch, never the same and never smaller in one process."""
    global _last_stamp
    _last_stamp = max(time.time_ns(), _last_stamp + 1)
    return _last_stamp


def names_in(folder: str) -> list[str]:
    """The names in a folder in order, which is that of their time; none when it is not there."""
    return sorted(listed(folder))


def listed(folder: str) -> list[str]:
    """Returns the names in a directory as `names_in`, unsorted."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
