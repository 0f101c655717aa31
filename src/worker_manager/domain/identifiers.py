"""Ids and names, and the checks they pass before they become paths, branches or targets."""

import os

from worker_manager.errors import InvalidInput, WorkerNotFound

PROGRAM = "worker-manager"
#: The variable with which a completing shell calls the program.
COMPLETING = "_WORKER_MANAGER_COMPLETE"
TITLE_LIMIT = 200
TASK_LIMIT_BYTES = 10_000_000
SLUG_LIMIT = 40
KEY_LIMIT = 500

_HEX = frozenset("0123456789abcdef")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def random_hex(size: int) -> str:
    """Two hex digits for each byte. Without `secrets`: that loads 2 ms of more."""
    return os.urandom(size).hex()


def digest(content: bytes) -> str:
    """The hex digits of its SHA-256."""
    import hashlib  # 3 ms, for some hooks only

    return hashlib.sha256(content).hexdigest()


def new_worker_id() -> str:
    """8 random hex digits."""
    return random_hex(4)


def worker_id_of(key: str) -> str:
    """The id of the worker that is started with this key of a caller's."""
    return digest(key.encode())[:8]


def checked_key(key: str) -> str:
    """A caller's key for a start; raises InvalidInput."""
    if not key.strip() or len(key) > KEY_LIMIT or key.encode("utf-8", "replace").decode() != key:
        raise InvalidInput(
            f"The key {key[:40]!r} can't be used. Give 1 to {KEY_LIMIT} characters of text."
        )
    return key


def new_session_id() -> str:
    """A random UUID, as Claude Code wants it. Without `uuid`: that loads 2 ms of more."""
    value = bytearray(os.urandom(16))
    value[6] = value[6] & 0x0F | 0x40  # version 4
    value[8] = value[8] & 0x3F | 0x80
    digits = value.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def new_mark() -> str:
    """The token by which a worker knows its orchestrator's messages."""
    return random_hex(6)


def new_message_id() -> str:
    """`m` and 12 random hex digits."""
    return "m" + random_hex(6)


def message_id_of(occasion: str) -> str:
    """The id of a message that is told once for each occasion."""
    return "m" + digest(occasion.encode())[:12]


def checked_worker_id(worker_id: str) -> str:
    """The id itself when it has the form of one; raises WorkerNotFound otherwise."""
    if not is_worker_id(worker_id):
        raise WorkerNotFound(worker_id)
    return worker_id


def is_worker_id(text: str) -> bool:
    """Whether the text has the form of one."""
    return len(text) == 8 and _HEX.issuperset(text)


def is_agent_name(text: str) -> bool:
    """Whether an agent may be named so: it stands in commands, records and letters."""
    return len(text) <= 40 and text[:1].isalnum() and _NAME.issuperset(text)


def checked_title(title: str) -> str:
    """The title on one line; raises InvalidInput when it is empty, too long or has NUL."""
    if "\0" in title:
        raise InvalidInput("The title has a NUL byte. Remove it.")
    import unicodedata  # hooks, which load this module, need it for nothing

    line = " ".join(title.split())
    if not line:
        raise InvalidInput(f"The title {title!r} is empty. Name the work in a few words.")
    if len(line) > TITLE_LIMIT:
        raise InvalidInput(
            f"The title has {len(line)} characters, at most {TITLE_LIMIT} are allowed. "
            "Put the detail into the task."
        )
    # Neither control characters nor halves of characters (what a shell passes that is no UTF-8).
    return "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs"))


def checked_text(text: str, what: str) -> str:
    """The text itself; raises InvalidInput when it is blank, has NUL or is over 10 MB."""
    if not text.strip():
        raise InvalidInput(f"The {what} is empty. Say in full sentences what you want.")
    if "\0" in text:
        raise InvalidInput(
            f"The {what} has a NUL byte at character {text.index(chr(0))}. Remove it."
        )
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > TASK_LIMIT_BYTES:
        raise InvalidInput(
            f"The {what} has {size:,} bytes, at most {TASK_LIMIT_BYTES:,} are allowed. "
            "Put the material into a file and name the file."
        )
    return text.encode("utf-8", "replace").decode("utf-8")


def slug(title: str) -> str:
    """Lower-case a-z, 0-9 and single dashes, at most 40 characters, never empty."""
    import re
    import unicodedata

    ascii_text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")
    return words[:SLUG_LIMIT].strip("-") or "task"


def worker_name(title: str, worker_id: str) -> str:
    """`<slug>-<id>`: the worktree's folder, the tmux session and the end of the branch."""
    return f"{slug(title)}-{worker_id}"


def branch_name(name: str, prefix: str = "worker/") -> str:
    """The worker's own branch."""
    return f"{prefix}{name}"
