"""A mailbox: a directory to which one delivers by rename, and from which one claims by rename.

No locks. `tmp/` holds what is being written, `new/` what waits, `claimed/<claimer>/` what a
reader has taken, `read/<claimer>/` what has been shown: the history. A crash repeats a
message, never loses one.
"""

import os
import time
from collections.abc import Callable

from worker_manager.errors import StateCorrupt, StateUnavailable
from worker_manager.messages import ANSWER, Message, decode
from worker_manager.state import processes
from worker_manager.state.files import make_private, set_aside, sync_directory, write_durable

SUFFIX = ".mail"
_last_stamp = 0


class Claim:
    """Messages taken out of a mailbox, in order, not yet acknowledged."""

    def __init__(self, mailbox: "Mailbox", claimer: str) -> None:
        self._mailbox = mailbox
        self._claimer = claimer
        self.messages: list[Message] = []
        self.left = 0

    def file_of(self, message: Message) -> str:
        """Where the whole message lies once it is acknowledged."""
        for name in _names(self._mailbox.folder("claimed", self._claimer)):
            if _id_of(name) == message.id:
                return os.path.join(self._mailbox.folder("read", self._claimer), name)
        return self._mailbox.folder("read", self._claimer)

    def acknowledge(self) -> None:
        """They were shown: one rename for the whole batch."""
        source = self._mailbox.folder("claimed", self._claimer)
        os.rename(source, self._mailbox.folder("read", self._claimer))

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
        for name in ("tmp", "new", "claimed", "read"):
            make_private(self.folder(name))

    def deliver(self, message: Message) -> None:
        """Puts a message into the mailbox; it survives a power cut when this returns.

        Raises StateUnavailable when the disk refuses; nothing is left behind then.
        """
        name = f"{_stamp():020d}-{message.type}-{message.id}{SUFFIX}"
        temporary = self.folder("tmp", name)
        try:
            write_durable(temporary, message.encode())
            os.rename(temporary, self.folder("new", name))
            sync_directory(self.folder("new"))
        except OSError as error:
            _remove(temporary)
            raise StateUnavailable(
                f"The message was not delivered to {self.path}: {error.strerror}. "
                "Free or repair the disk, then send it again."
            ) from error

    def waiting(self) -> list[str]:
        """File names in `new/`, oldest first."""
        return _names(self.folder("new"))

    def contains(self, message_id: str) -> bool:
        """Whether a message of that id is or was here. Looks everywhere: for repairs only."""
        folders = [self.folder("new")]
        for kept in ("claimed", "read"):
            folders += [self.folder(kept, claimer) for claimer in _names(self.folder(kept))]
        return any(_id_of(name) == message_id for folder in folders for name in _names(folder))

    def claim(
        self,
        *,
        most: int = 50,
        most_bytes: int = 1 << 30,
        accept: Callable[[str], bool] | None = None,
    ) -> Claim | None:
        """Takes the oldest waiting messages, of at least one and at most `most_bytes` of text;
        `accept` sees the file name. None when there is nothing to take.
        """
        self.release_stale()
        names = [name for name in self.waiting() if accept is None or accept(name)]
        if not names:
            return None
        claimer = f"{time.time_ns():020d}-{os.getpid()}-{processes.start_time(os.getpid())}"
        os.mkdir(self.folder("claimed", claimer), 0o700)
        claim = Claim(self, claimer)
        size = 0
        for name in names:
            if len(claim.messages) >= most or (claim.messages and size >= most_bytes):
                claim.left += 1
                continue
            message = self._take(name, claimer)
            if message is not None:
                claim.messages.append(message)
                size += len(message.body)
        if claim.messages:
            return claim
        os.rmdir(self.folder("claimed", claimer))
        return None

    def release_stale(self) -> None:
        """Gives back what readers that have died since had taken."""
        for claimer in _names(self.folder("claimed")):
            parts = claimer.split("-", 2)
            if (
                len(parts) == 3
                and parts[1].isdigit()
                and processes.is_gone(int(parts[1]), parts[2])
            ):
                self.give_back(claimer)

    def give_back(self, claimer: str) -> None:
        """Moves a claimer's messages back to `new/`. Several may do it at once."""
        source = self.folder("claimed", claimer)
        for name in _names(source):
            try:
                os.rename(os.path.join(source, name), self.folder("new", name))
            except FileNotFoundError:
                continue
        try:
            os.rmdir(source)
        except OSError:
            return

    def history(self, most: int) -> list[tuple[Message, str]]:
        """The messages shown last and where each lies, oldest first."""
        found = [
            (name, os.path.join(self.folder("read", claimer), name))
            for claimer in _names(self.folder("read"))
            for name in _names(self.folder("read", claimer))
        ]
        loaded = [(_load(path), path) for _, path in sorted(found)[-most:]]
        return [(message, path) for message, path in loaded if message is not None]

    def _take(self, name: str, claimer: str) -> Message | None:
        target = self.folder("claimed", claimer, name)
        try:
            os.rename(self.folder("new", name), target)
        except FileNotFoundError:
            return None  # another reader was faster
        return _load(target)


def is_answer(name: str) -> bool:
    """Whether a file name is that of an answer."""
    return f"-{ANSWER}-" in name


def _load(path: str) -> Message | None:
    try:
        with open(path, "rb") as file:
            return decode(file.read())
    except FileNotFoundError:
        return None
    except StateCorrupt:
        set_aside(path)
        return None


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _id_of(name: str) -> str:
    return name.removesuffix(SUFFIX).rpartition("-")[2]


def _stamp() -> int:
    """Nanoseconds since the epoch, never the same and never smaller in one process."""
    global _last_stamp
    _last_stamp = max(time.time_ns(), _last_stamp + 1)
    return _last_stamp


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
