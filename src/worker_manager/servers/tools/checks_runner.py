"""A worker's completion: its checks run beside its server, which goes on answering, and may outlast
the call that began them.
"""

from __future__ import annotations

import threading
import time

from worker_manager.crew.messaging import outbox
from worker_manager.crew.reporting import checks, reports
from worker_manager.domain import message
from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput, NothingCommitted, WorkerManagerError
from worker_manager.servers.call import Call, Cancelled
from worker_manager.state import journal
from worker_manager.state.layout import mailbox_path
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers import running_checks
from worker_manager.state.workers.records import Records

PROGRESS_SECONDS = 10.0


class Completions:
    """Of one worker: one completion at a time."""

    def __init__(self, records: Records, worker_id: str, check_seconds: int) -> None:
        self._records = records
        self._worker_id = worker_id
        self._seconds = check_seconds
        self._lock = threading.Lock()
        self._running: _Completion | None = None
        self._was_asked_to_commit = False

    def complete(self, call: Call, summary: str, patience: float | None) -> Worker | None:
        """The worker, its report delivered; None when its checks go on after so many seconds: then
        it is told by mail. The same summary again waits for the same checks. Raises ChecksFailed,
        InvalidInput while those of another summary run, or NothingCommitted, once. The last call
        that is cancelled, or fails, ends what runs.
        """
        with self._lock:
            running = self._joined(call, summary)
        try:
            return _awaited(running, call, patience)
        except BaseException:  # whatever it is: nobody waits for them in this call any more
            running.give_up(call)
            raise

    def _joined(self, call: Call, summary: str) -> _Completion:
        """The completion that runs, or a new one; the call waits for it."""
        running = self._running
        if running is not None and running.joined_by(call, summary):
            return running
        if running is not None:
            running.join()  # it is over, or being ended: two never run at once
        self._require_commit(summary)
        fresh = _Completion(self._records, self._worker_id, summary, self._seconds)
        fresh.joined_by(call, summary)
        fresh.start()
        self._running = fresh
        return fresh

    def _require_commit(self, summary: str) -> None:
        """Once: the second time its worker has decided."""
        if self._was_asked_to_commit:
            return
        if reports.has_completed(self._records, self._worker_id, summary):
            return
        try:
            reports.require_commit(self._records, self._worker_id)
        except NothingCommitted:
            self._was_asked_to_commit = True
            raise


class _Completion(threading.Thread):
    """Runs the checks, then makes the report; what came of it is a call's, or told by mail."""

    def __init__(self, records: Records, worker_id: str, summary: str, seconds: int) -> None:
        super().__init__(daemon=True)
        self.summary = summary
        self.most_seconds = 0.0
        self._records = records
        self._worker_id = worker_id
        self._home = records.home(worker_id)
        self._seconds = seconds
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._callers = set[Call]()
        self._is_left = False
        self._worker: Worker | None = None
        self._error: BaseException | None = None
        self.is_over = False

    def run(self) -> None:
        try:
            self._worker = self._report()
        except BaseException as error:  # noqa: BLE001  it is the call's, as if it ran there
            self._error = error
        with self._lock:
            self.is_over = True
            is_left = self._is_left and not self._callers
            for call in self._callers:
                call.wake()
        if is_left:
            self._tell()
        running_checks.end(self._home)

    def _report(self) -> Worker:
        worker = self._records.load(self._worker_id)
        repeated = reports.has_completed(self._records, worker.id, self.summary)
        wanted = () if repeated else worker.checks
        self.most_seconds = float(self._seconds * len(wanted))
        results = checks.run(
            wanted, cwd=worker.path, seconds=self._seconds, cancelled=self._cancelled
        )
        if wanted and self._cancelled.is_set():
            raise Cancelled  # some may not have run
        checks.require(results, self._seconds)
        return reports.complete(self._records, worker.id, self.summary, results)

    def joined_by(self, call: Call, summary: str) -> bool:
        """The call waits for it; False when it is over, or being ended. Raises InvalidInput when
        it is about another summary.
        """
        with self._lock:
            if self.is_over or self._cancelled.is_set():
                return False
            if summary != self.summary:
                raise InvalidInput(
                    "The checks of your last `complete` still run. End your turn: a message tells "
                    "how they went."
                )
            self._callers.add(call)
            return True

    def leave(self, call: Call) -> bool:
        """The call can't wait any longer; whether it goes on without it."""
        running_checks.begin(self._home)
        with self._lock:
            if not self.is_over:
                self._callers.discard(call)
                self._is_left = True
                return True
        running_checks.end(self._home)
        return False

    def give_up(self, call: Call) -> None:
        """Ends the check that runs, unless another call waits, or was told that it goes on."""
        with self._lock:
            self._callers.discard(call)
            if not self._callers and not self._is_left:
                self._cancelled.set()

    def outcome(self) -> Worker:
        """Once it is over. Raises what it has met."""
        if self._error is not None:
            raise self._error
        assert self._worker is not None  # noqa: S101  it is over
        return self._worker

    def _tell(self) -> None:
        """By mail, which wakes its session."""
        said = "Your checks have passed, and your report is delivered. End your turn."
        if self._error is not None:
            said = f"Your `complete` did not come about: {self._error}"
        try:
            worker = self._records.load(self._worker_id)
            Mailbox(mailbox_path(self._home)).deliver(outbox.order(worker, message.NUDGE, said))
        except (WorkerManagerError, OSError) as error:
            journal.note(self._home, "checks not told", why=str(error))


def _awaited(running: _Completion, call: Call, patience: float | None) -> Worker | None:
    started = told = time.monotonic()
    with call.waiting() as wait:
        while not running.is_over:
            now = time.monotonic()
            if patience is not None and now - started >= patience and running.leave(call):
                return None
            if now - told >= PROGRESS_SECONDS:
                told = now
                call.tell(now - started, running.most_seconds, "running the checks")
            until = told + PROGRESS_SECONDS
            if patience is not None:
                until = min(until, started + patience)
            wait(until - time.monotonic())
    return running.outcome()
