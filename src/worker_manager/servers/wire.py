"""A server's stdin and stdout: one JSON message a line."""

import os
from collections.abc import Sequence


class Wire:
    """Takes both out of the way: what a library prints, or a child reads, is not the protocol."""

    def __init__(self) -> None:
        self._incoming = os.fdopen(os.dup(0), encoding="utf-8", errors="replace")
        self._outgoing = os.fdopen(os.dup(1), "w", encoding="utf-8")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)

    def readline(self) -> str:
        """The next message; empty when there will be none."""
        return self._incoming.readline()

    def write(self, text: str) -> None:
        """Of whole lines."""
        self._outgoing.write(text)

    def flush(self) -> None:
        """Sends what was written."""
        self._outgoing.flush()


class Replay:
    """What was heard on a wire so far, then the wire itself. Of what is written, the first `said`
    lines are dropped: they were said before.
    """

    def __init__(self, wire: Wire, heard: Sequence[str], *, said: int) -> None:
        self._wire = wire
        self._heard = list(heard)
        self._said = said

    def readline(self) -> str:
        """As `Wire.readline`."""
        return self._heard.pop(0) if self._heard else self._wire.readline()

    def write(self, text: str) -> None:
        """As `Wire.write`; takes one line."""
        if self._said:
            self._said -= 1
        else:
            self._wire.write(text)

    def flush(self) -> None:
        """As `Wire.flush`."""
        self._wire.flush()
