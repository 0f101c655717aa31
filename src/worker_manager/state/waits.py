"""Calls of an orchestrator's server that wait for mail: the doorbell leaves it to them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from worker_manager.naming import random_hex
from worker_manager.state import processes
from worker_manager.state.files import disk_errors, make_private
from worker_manager.state.layout import mailbox_path
from worker_manager.state.mailbox import Mailbox

_FOLDER = "waits"


@contextmanager
def waiting_call(home: str) -> Iterator[None]:
    """Notes a call that waits, until it ends; what it did not take rings then.

    Raises StateUnavailable.
    """
    folder = os.path.join(home, _FOLDER)
    make_private(folder)
    path = os.path.join(folder, f"{processes.identity(os.getpid())}.{random_hex(4)}")
    with disk_errors(path):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield
    finally:
        _forget(path)
        # A doorbell that rang a moment ago has left its mail to us.
        Mailbox(mailbox_path(home)).ring()


def is_waited(home: str) -> bool:
    """Whether a call waits for the mail of this home. One whose process is dead does not."""
    folder = os.path.join(home, _FOLDER)
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    waiting = False
    for name in names:
        if processes.has_ended(name.rpartition(".")[0]):
            _forget(os.path.join(folder, name))
        else:
            waiting = True
    return waiting


def _forget(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
