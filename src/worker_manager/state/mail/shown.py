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
    known = _known(mailbox)
    there = names_in(folder)
    fresh = {reader: _ids(folder, reader) for reader in there if reader not in known}
    if note and fresh:
        with ignoring(OSError):
            append(os.path.join(mailbox, _INDEX), "".join(map(_line, fresh.items())))
    for claimer in reversed(there):
        ids = fresh.get(claimer) or known.get(claimer, "")
        if message_id in ids.split():
            for name in names_in(os.path.join(folder, claimer)):
                if id_of(name) == message_id:
                    return os.path.join(folder, claimer, name)
    return ""


def forget_gone(mailbox: str) -> None:
    """Removes index entries of removed folders."""
    known, there = _known(mailbox), set(listed(os.path.join(mailbox, "read")))
    if not there.issuperset(known):
        left = (item for item in known.items() if item[0] in there)
        content = "".join(map(_line, left)).encode()
        write_atomic(os.path.join(mailbox, _INDEX), content, durable=False)


def _ids(folder: str, claimer: str) -> str:
    return " ".join(id_of(name) for name in names_in(os.path.join(folder, claimer)))


def _line(item: tuple[str, str]) -> str:
    # The mark at its end tells a whole line from one that was cut off.
    return f"{item[0]} {item[1]} .\n"


def _known(mailbox: str) -> dict[str, str]:
    """The ids of each reader's messages, apart by blanks."""
    content = b""
    with ignoring(OSError, StateCorrupt):
        content = read_regular(os.path.join(mailbox, _INDEX))
    lines = content.decode("utf-8", "replace").split("\n")
    whole = (line[:-2].partition(" ") for line in lines if line.endswith(" ."))
    return {claimer: ids for claimer, _, ids in whole}
