"""What the server of a session does for its workers, done every ten seconds for those that have no
such server: the ones started from terminals, and those whose session is gone. Idle ones are told
of, budgets kept, queued ones started, those asked to stop ended, conflicts noticed.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from worker_manager.errors import WorkerManagerError

if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet

WATCH_SECONDS = 10.0
RECONCILE_SECONDS = 3.0


def mind(fleet: Fleet) -> None:
    """Does it once, unless its server does."""
    if not fleet.is_attended:
        with suppress(WorkerManagerError, OSError):  # the next try, or the next command, says it
            fleet.supervisor.supervise_once()


class Minder:
    """Does it while a command goes on, in a thread of its own: a tmux that hangs holds up nothing.
    Makes the records agree with the world, too.
    """

    def __init__(self, fleet: Fleet | None) -> None:
        self._fleet = fleet
        self._thread: threading.Thread | None = None
        self._reconciled = self._watched = 0.0

    def go_on(self) -> None:
        """Begins a look when it is time and the last one has ended. Cheap: call it often."""
        is_looking = self._thread is not None and self._thread.is_alive()
        is_due = time.monotonic() - self._reconciled > RECONCILE_SECONDS
        if self._fleet and is_due and not is_looking:
            self._thread = threading.Thread(target=self._look, args=(self._fleet,), daemon=True)
            self._thread.start()

    def _look(self, fleet: Fleet) -> None:
        with suppress(WorkerManagerError, OSError):
            fleet.reconcile()
        if time.monotonic() - self._watched > WATCH_SECONDS:
            mind(fleet)
            self._watched = time.monotonic()
        self._reconciled = time.monotonic()
