"""Which home, orchestrator's or worker's, a Claude session belongs to.

`sessions/<claude session id>` and `processes/<pid>-<start time>` are symbolic links to homes.
A session keeps its id over a resume, a claude process keeps its home over /clear: between the
two a home is always found again.
"""

import os

from worker_manager.domain.identifiers import random_hex
from worker_manager.errors import ignoring
from worker_manager.state import process_identity
from worker_manager.state.files import make_private, move, unavailable, write_atomic
from worker_manager.state.layout import (
    HOOKED,
    PROCESSES,
    SERVER,
    SESSIONS,
    home_behind,
)


def link(root: str, session_id: str, home: str) -> None:
    """From now on the session belongs to `home`."""
    _point(root, SESSIONS, session_id, home)


def unlink(root: str, session_id: str) -> None:
    """The session belongs to nobody any more."""
    os.unlink(os.path.join(root, SESSIONS, session_id))


def link_process(root: str, pid: int, home: str) -> None:
    """The claude process `pid` now speaks for `home`."""
    identity = process_identity.identity(pid)
    if identity and not identity.endswith(process_identity.UNKNOWN):
        _point(root, PROCESSES, identity, home)


def find_by_process(root: str, pid: int) -> str | None:
    """The home for which a claude process speaks, or None."""
    identity = process_identity.identity(pid)
    return home_behind(root, PROCESSES, identity) if identity else None


def attending(root: str, home: str) -> list[int]:
    """The pids of the claude processes that speak for a home and have not certainly ended."""
    return [pid for attended, pid in all_attending(root) if attended == home]


def all_attending(root: str) -> list[tuple[str, int]]:
    """Each claude process that has not certainly ended, behind the home that it speaks for."""
    living = [name for name in _names(root) if not process_identity.has_ended(name)]
    found = [(home_behind(root, PROCESSES, name), int(name.partition("-")[0])) for name in living]
    return [(home, pid) for home, pid in found if home is not None]


def note_start(home: str, claude: int | None) -> None:
    """A SessionStart hook runs in this claude process, as far as that is known."""
    write_atomic(
        os.path.join(home, HOOKED),
        (process_identity.identity(claude) if claude else "").encode(),
        durable=False,
    )


def started_at(home: str) -> float:
    """When a SessionStart hook last ran for a home, in seconds since the epoch; 0 for never."""
    try:
        return os.stat(os.path.join(home, HOOKED)).st_mtime
    except OSError:
        return 0.0


def has_no_hooks(home: str, claude: int) -> bool:
    """Whether no hook has run in this claude process. Not so when that isn't known."""
    try:
        with open(os.path.join(home, HOOKED), encoding="utf-8") as file:
            hooked = file.read()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return bool(hooked) and hooked != process_identity.identity(claude)


def server_pid(home: str) -> str:
    """The pid that the server of a home has noted; empty when none has."""
    try:
        with open(os.path.join(home, SERVER), encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def prune_processes(root: str) -> None:
    """Forgets claude processes that have ended."""
    for name in _names(root):
        if process_identity.has_ended(name):
            with ignoring(FileNotFoundError):
                os.unlink(os.path.join(root, PROCESSES, name))


def _names(root: str) -> list[str]:
    try:
        return os.listdir(os.path.join(root, PROCESSES))
    except FileNotFoundError:
        return []


def _point(root: str, folder: str, name: str, home: str) -> None:
    make_private(os.path.join(root, folder))
    target = os.path.join("..", os.path.relpath(home, root))
    path = os.path.join(root, folder, name)
    temporary = f"{path}.{random_hex(4)}"
    try:
        os.symlink(target, temporary)
        move(temporary, path)
    except OSError as error:
        with ignoring(OSError):
            os.unlink(temporary)
        raise unavailable(path, error) from error
