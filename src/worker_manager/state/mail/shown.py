"""An index of a mailbox's `read/` (which reader was shown which message), as there may be thousands
of folders. It is a cache: missing entries are looked up, and an entry counts only as long as the
message is still there.
"""

import os

from worker_manager.errors import StateCorrupt, ignoring
from worker_manager.state.files import append, read_regular, write_atomic
from worker_manager.state.mail.inbox import id_of, listed, names_in

_INDEX = "read.ids"


def find(mailbox: str, message_id: str, *, note: bool) -> str:
    """Returns the path of a message in `read/`; empty when it is not there. `note` adds what had to
    be looked up to the index.
    """
    folder = os.path.join(mailbox, "read")
    lines = _lines(mailbox)
    fresh = set(listed(folder)).difference(line.partition(" ")[0] for line in lines)
    found = [_line(reader, _ids(folder, reader)) for reader in fresh]
    if note and found:
        with ignoring(OSError):
            append(os.path.join(mailbox, _INDEX), "".join(f"{line}\n" for line in found))
    # Of thousands few name it: the others are not looked at closer.
    named = [line for line in (*lines, *found) if message_id in line]
    for reader, *ids in sorted(map(str.split, named), reverse=True):
        if message_id in ids:
            for name in names_in(os.path.join(folder, reader)):
                if id_of(name) == message_id:
                    return os.path.join(folder, reader, name)
    return ""


def forget_gone(mailbox: str) -> None:
    """Removes index entries of removed folders."""
    lines, there = _lines(mailbox), set(listed(os.path.join(mailbox, "read")))
    left = [line for line in lines if line.partition(" ")[0] in there]
    if len(left) < len(lines):
        content = "".join(f"{line}\n" for line in left).encode()
        write_atomic(os.path.join(mailbox, _INDEX), content, durable=False)


def _ids(folder: str, reader: str) -> str:
    return " ".join(id_of(name) for name in names_in(os.path.join(folder, reader)))


def _line(reader: str, ids: str) -> str:
    # The mark at its end tells a whole line from one that was cut off.
    return f"{reader} {ids} ."


def _lines(mailbox: str) -> list[str]:
    """The index: of each reader its name and the ids of its messages, apart by blanks."""
    content = b""
    with ignoring(OSError, StateCorrupt):
        content = read_regular(os.path.join(mailbox, _INDEX))
    return [line for line in content.decode("utf-8", "replace").split("\n") if line.endswith(" .")]
