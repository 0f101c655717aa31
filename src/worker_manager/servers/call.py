"""One call of a tool, from its request to its answer, as the tool sees it."""

from __future__ import annotations

import os
import select
import threading
import traceback
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from worker_manager.errors import StateUnavailable
from worker_manager.state.mail.inbox import expect_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker_manager.servers.handshake import Client
    from worker_manager.state.mail.inbox import Claim


class Cancelled(Exception):
    """Nobody waits for the result any more: whoever called said so, or has gone."""


class _Shown(NamedTuple):
    claim: Claim
    receipt: str


class Call:
    """A call that runs in a thread of its own. `client` is who calls, None when it did not say;
    `tell` sends progress: how much is done, of how much, and a text.
    """

    def __init__(
        self,
        client: Client | None = None,
        tell: Callable[[float, float, str], None] = lambda *_: None,
    ) -> None:
        self.client = client
        self.tell = tell
        self._shown: list[_Shown] = []
        self._lock = threading.Lock()
        self._is_cancelled = self._is_settled = False
        self._bells: set[int] = set()

    def cancel(self) -> None:
        """Ends its waits; without effect once its result is on its way."""
        with self._lock:
            self._is_cancelled = not self._is_settled
        self.wake()

    def wake(self) -> None:
        """Ends the present `wait`: there may be something new."""
        with self._lock:
            for bell in self._bells:
                with suppress(BlockingIOError):  # it rings already
                    os.write(bell, b"!")

    @contextmanager
    def waiting(self) -> Iterator[Callable[..., None]]:
        """Gives `wait(seconds, descriptor=None)`: until `wake`, until the descriptor is readable,
        or so long; it raises Cancelled at once when nobody waits for the result any more.
        """
        with closing(_Alarm()) as alarm:
            with self._lock:
                self._bells.add(alarm.bell)
            try:
                yield lambda seconds, descriptor=None: self._wait(alarm, seconds, descriptor)
            finally:
                with self._lock:
                    self._bells.discard(alarm.bell)

    def shows(self, claim: Claim, home: str) -> None:
        """Messages that are its result: they count as shown once that was said. A result that
        fails, or that nobody waits for, gives them back.
        """
        self._shown.append(_Shown(claim, expect_receipt(home)))

    def settle(self, say: Callable[[], None], *, is_error: bool) -> bool:
        """Says its result, unless nobody waits for it; whether it was said. Should we die before,
        what it shows is shown again.
        """
        with self._lock:
            self._is_settled = True
            is_heard = not self._is_cancelled
        if is_heard:
            try:
                say()
            except OSError:
                is_heard = False  # nobody is there to read it
            except Exception:  # noqa: BLE001  what can't be said is given back, too
                traceback.print_exc()
                is_heard = False
        for claim, receipt in self._shown:
            # They stay claimed, and are shown again.
            with suppress(OSError, StateUnavailable):
                if is_heard and not is_error:
                    claim.acknowledge(receipt)
                else:
                    claim.release()
        return is_heard

    def _wait(self, alarm: _Alarm, seconds: float, descriptor: int | None) -> None:
        if not self._is_cancelled:
            alarm.wait(seconds, descriptor)
        if self._is_cancelled:
            raise Cancelled


class _Alarm:
    """A pipe that wakes a thread."""

    def __init__(self) -> None:
        self._ear, self.bell = os.pipe()
        os.set_blocking(self._ear, False)
        os.set_blocking(self.bell, False)

    def wait(self, seconds: float, descriptor: int | None) -> None:
        waiting = select.poll()
        for one in (self._ear, descriptor):
            if one is not None:
                waiting.register(one, select.POLLIN)
        waiting.poll(max(seconds, 0.0) * 1_000)
        with suppress(BlockingIOError):
            os.read(self._ear, 1_000)

    def close(self) -> None:
        os.close(self._ear)
        os.close(self.bell)
