"""What a session has used of its model, from its transcript: each message's usage stands on every
line of its blocks, and counts once.
"""

import json
import threading
from typing import NamedTuple


class Usage(NamedTuple):
    """Tokens that the model read (cached ones too) and wrote so far; those of its last request,
    about what its next one will hold.
    """

    read: int
    written: int
    context: int


class Meter:
    """Reads transcripts, each time only what is new in them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._transcripts: dict[str, _Transcript] = {}

    def usage(self, path: str) -> Usage | None:
        """That of a session; None when it has no transcript, or nothing was asked yet."""
        with self._lock:
            transcript = self._transcripts.setdefault(path, _Transcript())
            try:
                transcript.go_on(path)
            except OSError:
                return None
            return transcript.usage()


class _Transcript:
    """How far it was read, and the tokens of each message: read, written."""

    def __init__(self) -> None:
        self._offset = 0
        self._messages: dict[str, tuple[int, int]] = {}
        self._last = (0, 0)

    def go_on(self, path: str) -> None:
        with open(path, "rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # half written
                self._offset += len(line)
                if b'"usage"' in line:
                    self._add(line)

    def usage(self) -> Usage | None:
        if not self._messages:
            return None
        read, written = map(sum, zip(*self._messages.values(), strict=True))
        return Usage(read, written, sum(self._last))

    def _add(self, line: bytes) -> None:
        try:
            message = json.loads(line)["message"]
            used = message["usage"]
            name, written = str(message["id"]), int(used["output_tokens"])
            read = sum(int(used.get(key) or 0) for key in _READ)
        except (ValueError, KeyError, TypeError):
            return
        self._last = self._messages[name] = (read, written)


_READ = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
