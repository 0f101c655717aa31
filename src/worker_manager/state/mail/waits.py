"""Calls of an orchestrator's server that wait for mail: the doorbell leaves it to them."""

import os

from worker_manager.state import process_identity
from worker_manager.state.files import disk_errors, make_private, remove
from worker_manager.state.layout import mailbox_path
from worker_manager.state.mail.inbox import Inbox

_FOLDER = "waits"


class registered_wait:  # noqa: N801  stands where a function could, whose contextlib is slow to load
    """Registers a call that waits for mail, until the block is left; then touches what it did not
    claim, so that the file watch fires. Raises StateUnavailable.
    """

    def __init__(self, home: str) -> None:
        self._home = home
        name = f"{process_identity.identity(os.getpid())}.{os.urandom(4).hex()}"
        self._path = os.path.join(home, _FOLDER, name)

    def __enter__(self) -> None:
        make_private(os.path.dirname(self._path))
        with disk_errors(self._path):
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def __exit__(self, *_: object) -> None:
        remove(self._path)
        # A doorbell that rang a moment ago has left its mail to us.
        Inbox(mailbox_path(self._home)).touch_oldest()


def is_waited(home: str) -> bool:
    """Returns True if a living process waits for the mail of this home."""
    folder = os.path.join(home, _FOLDER)
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    waiting = False
    for name in names:
        if process_identity.has_ended(name.rpartition(".")[0]):
            remove(os.path.join(folder, name))
        else:
            waiting = True
    return waiting
