"""Supervises in a thread of its own: a tmux that hangs, or a step that fails, holds up nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from worker_manager.crew.supervision.supervisor import Supervisor
from worker_manager.state.bells import BLIND_SECONDS, Bell

#: From one round to the next where no bell is listened to.
ROUND_SECONDS = 3.0
_log = logging.getLogger(__name__)


class BackgroundSupervisor:
    """For as long as something follows workers: reconciles every ROUND_SECONDS, and supervises
    unless a server does. `find` is asked at each round; None when there is nothing to supervise.

    Listens to no bell: a ring that two listen for reaches one of them, and it is the server's.
    """

    #: Whoever follows has its own words for what fails.
    _level = logging.DEBUG

    def __init__(self, find: Callable[[], Supervisor | None]) -> None:
        self._find = find
        self._ended = threading.Event()
        self._is_done = True  # nothing of the last round is left to be tried again

    def start(self) -> None:
        """Begins, at once, in a daemon thread. Call it once."""
        threading.Thread(target=self._run, name="supervisor", daemon=True).start()

    def end(self) -> None:
        """No further round begins; the one under way is not waited for."""
        self._ended.set()

    def __enter__(self) -> BackgroundSupervisor:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def _run(self) -> None:
        self._is_done = self._try(self._begin)
        while not self._ended.is_set():
            if not self._try(self._wait):
                self._ended.wait(BLIND_SECONDS)
            if not self._ended.is_set():
                self._is_done = self._try(self._round)

    def _try(self, step: Callable[[], None]) -> bool:
        """Whether it went well: a step that fails must not be the last one."""
        try:
            step()
        except Exception as error:  # noqa: BLE001  the next round tries again
            _log.log(self._level, "%s", error)
            return False
        return True

    def _begin(self) -> None:
        """Before the first wait."""
        self._round()

    def _round(self) -> None:
        supervisor = self._find()
        if supervisor is not None:
            try:
                supervisor.reconcile()
            finally:
                supervisor.supervise_unattended()

    def _wait(self) -> None:
        """Until the next round."""
        self._ended.wait(ROUND_SECONDS)


class ServerSupervisor(BackgroundSupervisor):
    """For as long as an orchestrator's server runs. Sleeps until its bell rings, a worker's process
    ends, or the next check is due: while all workers wait it costs nothing.
    """

    _level = logging.WARNING

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(lambda: supervisor)
        self._supervisor = supervisor
        self._bell: Bell | None = None

    def _begin(self) -> None:
        """Catches up with what happened while nobody looked."""
        self._supervisor.reconcile()

    def _round(self) -> None:
        self._supervisor.supervise_once()

    def _wait(self) -> None:
        """What was not done is tried again soon."""
        # After /clear the session has another home.
        home = self._supervisor.context.home
        if self._bell is None or self._bell.home != home or self._bell.is_lost:
            if self._bell is not None:
                self._bell.close()
            self._bell = Bell(home)
        seconds, running = self._supervisor.next_check()
        if not self._is_done:
            seconds = BLIND_SECONDS if seconds is None else min(seconds, BLIND_SECONDS)
        self._bell.wait(seconds, running)
