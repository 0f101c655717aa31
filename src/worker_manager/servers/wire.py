"""A server's stdin and stdout: one JSON message a line."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from worker_manager.text.output import json_line

_CHUNK = 65_536


class Kept(NamedTuple):
    """Of a conversation that has begun: what was read and is to be heard, and how many of the next
    lines were said before.
    """

    read: bytes
    said: int


NOTHING = Kept(b"", 0)


class Wire:
    """Takes both out of the way: what a library prints, or a child reads, is not the protocol."""

    def __init__(self, kept: Kept = NOTHING) -> None:
        self._incoming, self._outgoing = os.dup(0), os.dup(1)
        self._read, self._said = bytearray(kept.read), kept.said
        self._sending = threading.Lock()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)

    def readline(self) -> str:
        """The next message; empty when there will be none. A byte that is no UTF-8 stands in it as
        half a character.
        """
        searched = 0
        while (end := self._read.find(b"\n", searched)) < 0:
            searched = len(self._read)
            chunk = os.read(self._incoming, _CHUNK)
            if not chunk:
                end = searched  # the last line may have no end
                break
            self._read += chunk
        line = self._read[: end + 1]
        del self._read[: end + 1]
        return line.decode("utf-8", "surrogateescape")

    def send(self, message: Mapping[str, object]) -> None:
        """One line: all that a server says goes through here. Raises OSError when nobody reads."""
        with self._sending:
            if self._said:
                self._said -= 1
                return
            left = f"{json_line(message)}\n".encode("ascii")
            while left:
                left = left[os.write(self._outgoing, left) :]

    def rewind(self, heard: Sequence[str], said: int) -> None:
        """These lines are heard once more, and the next `said` messages that are sent were said
        before.
        """
        self._read[:0] = "".join(heard).encode("utf-8", "surrogateescape")
        self._said += said

    def give_back(self) -> list[str]:
        """Makes them stdin and stdout again, for a program that takes the place of this one; gives
        what it must be told (`kept_from`).
        """
        import tempfile  # 7 ms

        with tempfile.TemporaryFile() as file:
            file.write(self._read)
            file.flush()
            kept = os.dup(file.fileno())
        os.lseek(kept, 0, os.SEEK_SET)
        os.set_inheritable(kept, True)
        os.dup2(self._incoming, 0)
        os.dup2(self._outgoing, 1)
        return [str(kept), str(self._said)]


def kept_from(told: Sequence[str]) -> Kept:
    """What the program before this one has kept for it."""
    descriptor, said = map(int, told)
    with os.fdopen(descriptor, "rb") as file:
        return Kept(file.read(), said)
