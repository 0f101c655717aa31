"""Consults: a worker that gives an opinion lives in a directory of its own, as if it were of
another repository, so that nobody lists, adopts or counts it. The directory is named by the process
that waits for the opinion: whoever finds that dead removes it.
"""

import os
import time
from contextlib import suppress

from worker_manager.domain.identifiers import random_hex
from worker_manager.state import process_identity
from worker_manager.state.files import make_private, move, remove_tree
from worker_manager.state.layout import mailbox_path, orchestrator_home
from worker_manager.state.mail.mailbox import Mailbox

_PREFIX = "consult-"
#: Behind the name of one that is being removed: the name of no process.
_GONE = ".gone"
_TRIES = 20
#: Its asker's home is made at once.
_YOUNG_SECONDS = 60.0
#: The orchestrator that waits in there.
ASKER = "asker"


def make(root: str) -> str:
    """A new directory, with the mailbox of whoever asks; gives the home that this lies in."""
    starter = process_identity.identity(os.getpid())
    directory = os.path.join(root, f"{_PREFIX}{random_hex(4)}-{starter}")
    home = orchestrator_home(directory, ASKER)
    try:
        make_private(home)
        Mailbox(mailbox_path(home)).create()
    except BaseException:
        discard(directory)
        raise
    return home


def is_one(directory: str) -> bool:
    """Whether a directory of the state directory is a consult's."""
    return os.path.basename(directory).startswith(_PREFIX)


def abandoned(root: str) -> list[str]:
    """The directories of those that nobody waits for any more."""
    try:
        names = [name for name in os.listdir(root) if name.startswith(_PREFIX)]
    except OSError:
        return []
    return [path for one in names if _has_ended(path := os.path.join(root, one))]


def discard(directory: str) -> None:
    """Removes one. What its last processes still write must not bring it back, so it is moved away
    first; what can't be removed now counts as abandoned.
    """
    gone = directory if directory.endswith(_GONE) else directory + _GONE
    with suppress(OSError):
        move(directory, gone)
    for _ in range(_TRIES):
        with suppress(OSError):  # somebody has just written there
            remove_tree(gone)
        if not os.path.lexists(gone):
            return
        time.sleep(0.05)


def _has_ended(directory: str) -> bool:
    """Whether who waited has, or it was removed and something late has brought it back."""
    name = os.path.basename(directory)
    if process_identity.has_ended(name.removeprefix(_PREFIX).partition("-")[2]):
        return True
    try:
        age = time.time() - os.stat(directory).st_mtime
    except OSError:
        return False
    return age > _YOUNG_SECONDS and not os.path.isdir(orchestrator_home(directory, ASKER))
