"""What hooks do in a session that has them, done by the worker's server in one that has none: it
follows the session's turns by its transcript, and puts letters into the queue of its program.

A file that grows rings no bell: it is looked at twice a second.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import closing

from worker_manager.agents import account_of, agent_in_record
from worker_manager.agents.base import Attended, Turn
from worker_manager.crew.lifecycle.launch import attach_line
from worker_manager.crew.messaging import dialogs
from worker_manager.crew.reporting import reports
from worker_manager.crew.supervision import limits
from worker_manager.domain import message, reasons
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import WorkerNotFound
from worker_manager.hooks import delivery
from worker_manager.runtimes.registry import open_runtime
from worker_manager.state import bells, usage_limit
from worker_manager.state.layout import (
    mailbox_path,
    orchestrator_home,
    repository_of,
    state_root,
    transcript_of,
)
from worker_manager.state.mail import receipts
from worker_manager.state.mail.inbox import Inbox, id_of
from worker_manager.state.workers import launches, reminders, running_checks
from worker_manager.state.workers.records import Records
from worker_manager.text import rendering

LOOK_SECONDS = 0.5
#: After a queue that took nothing, and from one look at receipts to the next.
AGAIN_SECONDS = 5.0
#: So long at most, while its program is not there.
MOST_SECONDS = 300.0
#: A session that works and writes nothing for so long may wait at a dialog.
SILENT_SECONDS = 3.0
#: A rollout may have been begun before our server: by so much at most.
EARLIER_SECONDS = 600.0
_log = logging.getLogger(__name__)

_POINTER = 'worker-manager: read the file "{file}" and follow it. ({ids}, from your orchestrator.)'
_ASKS = """\
{name} asks something at its terminal. It can be answered only there: {attach}
Its terminal:
{asked}"""


class Attendant:
    """Of one worker, for as long as its server runs, which `began` before the session's first turn
    (seconds since the epoch).
    """

    def __init__(self, home: str, attended: Attended, began: float) -> None:
        self._home = home
        self._id = os.path.basename(home)
        self._root = state_root()
        self._records = Records(repository_of(home))
        self._attended = attended
        name = self._worker().agent
        self._agent, self._account = agent_in_record(name), account_of(name)
        self._began = began
        self._transcript = ""
        self._size, self._grew_at = -1, time.monotonic()
        self._turn: Turn | None = None
        self._has_told = False  #: that a dialog stands at its terminal
        self._reminder = ""  # to be put into its queue
        self._tried = set[str]()  # letters whose turn did not end well so far
        self._pause = AGAIN_SECONDS
        self._not_before = 0.0  # of the next try, by the monotonic clock
        self._settled_at = self._looked_at = 0.0

    def start(self) -> None:
        """The session has its tools: it has started. Call it once."""
        reports.check_in(self._records, self._id)
        self._ring_owner()
        threading.Thread(target=self._run, name="attendant", daemon=True).start()

    def _run(self) -> None:
        with closing(bells.Bell(self._home)) as bell:
            while True:
                seconds = LOOK_SECONDS
                try:
                    self.look()
                except WorkerNotFound:
                    return  # somebody removed it
                except Exception as error:  # noqa: BLE001  the next look tries again
                    _log.warning("%s", error)
                    seconds = AGAIN_SECONDS
                bell.wait(seconds, ())

    def look(self) -> None:
        """Does what is due now."""
        if not self._has_transcript():
            return
        size = self._agent.bytes_written(self._transcript)
        if size != self._size:
            self._grew_at = time.monotonic()
            turn = self._attended.turn(self._transcript)
            self._follow(turn)
            self._size, self._turn = size, turn  # what failed is tried again
        if self._turn is None:
            return
        self._settle()
        if self._turn.is_over:
            self._deliver(self._turn)
        else:
            self._look_for_dialog()

    def _has_transcript(self) -> bool:
        """Whether it is known: from the first prompt on."""
        if not self._transcript:
            # Of a session that goes on it is the one that it had.
            since = self._began - EARLIER_SECONDS
            found = transcript_of(self._home)
            if not self._agent.has_conversation(found):
                found = self._attended.find_transcript(self._home, since)
            if not found:
                return False
            receipts.note_transcript(self._home, found)
            receipts.note_works(self._home, found)
            self._transcript = found
        return True

    def _follow(self, turn: Turn | None) -> None:
        """A turn has begun, or ended."""
        before = self._turn
        if self._has_told:
            self._has_told = False
            reports.unblocked(self._records, self._id)
        is_known = before is not None and turn is not None and before[:2] == turn[:2]
        # What stands there of a session before this one was seen to by its own server.
        if turn is None or is_known or turn.at < self._began:
            return
        if not turn.is_over:
            reports.check_in(self._records, self._id, turn.at)
        elif turn.error:
            limits.turn_failed(self._root, self._records, self._id, turn.error, turn.said)
        elif not turn.was_interrupted:
            self._end_well(turn)
        self._settled_at = 0.0
        self._ring_owner()

    def _end_well(self, turn: Turn) -> None:
        self._tried.clear()
        self._reminder = ""
        usage_limit.lift(self._root, self._id, self._account)
        reports.unblocked(self._records, self._id)
        is_told = bool(Inbox(mailbox_path(self._home)).waiting())
        if not is_told and not running_checks.are_under_way(self._home):
            self._want_report(turn)

    def _want_report(self, turn: Turn) -> None:
        """As the hook of a turn's end: nobody ends one without a report."""
        worker = reports.redeliver(self._records, self._worker())
        if worker.status not in (Status.STARTING, Status.RUNNING):
            return
        reminded = reminders.count(self._home)
        if reminded < reminders.TIMES:
            reminders.add(self._home)
            self._reminder = rendering.reminder(reminded + 1)
        elif reminded == reminders.TIMES:
            # Told first, counted after: killed in between, it is told no second time.
            occasion = reminders.occasion(self._home)
            reports.stalled(self._records, self._id, turn.said, occasion=occasion)
            reminders.add(self._home)

    def _settle(self) -> None:
        """Letters whose turn failed, or that were dropped, wait again."""
        now = time.monotonic()
        if now - self._settled_at >= AGAIN_SECONDS:
            self._settled_at = now
            if Inbox(mailbox_path(self._home)).pending():
                look = self._agent.receipts
                receipts.requeue_unconfirmed(self._home, look, restarted=False)

    def _deliver(self, turn: Turn) -> None:
        """Puts into its queue what waits; while it works that could only be lost with its turn."""
        if time.monotonic() < self._not_before or not self._may_deliver(turn):
            return
        if self._reminder:
            why = self._attended.queue_prompt(self._transcript, self._reminder)
            self._reminder = self._reminder if why else ""
            self._note(why)
            return
        shown = delivery.take(self._home)
        if shown is None:
            return
        why = "it was not written"
        try:
            name = f"letter-{shown.ids[0]}.md"
            launches.write_file(self._home, name, shown.text)
            file, ids = os.path.join(self._home, name), ", ".join(shown.ids)
            line = _POINTER.format(file=file, ids=ids)
            why = self._attended.queue_prompt(self._transcript, line)
        finally:
            if why:
                shown.release()
        if not why:
            self._tried.update(shown.ids)
            shown.acknowledge()
        self._note(why)

    def _may_deliver(self, turn: Turn) -> bool:
        """A queue stands still behind a turn that somebody interrupted: there a letter waits in the
        mailbox, until it is rung for. After an error only news is a reason to try again.
        """
        if turn.was_interrupted:
            return False
        if not turn.error:
            return True
        waiting = {id_of(name) for name in Inbox(mailbox_path(self._home)).waiting()}
        is_limit = turn.error == reasons.RATE_LIMIT
        return bool(waiting - self._tried) and not (
            is_limit and usage_limit.until(self._root, self._account)
        )

    def _note(self, why: str) -> None:
        self._pause = min(2 * self._pause, MOST_SECONDS) if why else AGAIN_SECONDS
        if why:
            self._not_before = time.monotonic() + self._pause
            _log.warning("%s", why)

    def _look_for_dialog(self) -> None:
        """A dialog writes nothing: it stands on the screen alone."""
        now = time.monotonic()
        if self._has_told or now - max(self._grew_at, self._looked_at) < SILENT_SECONDS:
            return
        self._looked_at = now
        worker = self._worker()
        asked = self._attended.dialog(open_runtime().screen(worker.handle))
        if not asked:
            return
        self._has_told = True
        reports.blocked(
            self._records,
            self._id,
            message.PERMISSION,
            _ASKS.format(name=worker.agent, attach=attach_line(worker), asked=asked),
            reason=dialogs.ONLY_THERE,
        )

    def _ring_owner(self) -> None:
        bells.notify(orchestrator_home(self._records.repository, self._worker().owner))

    def _worker(self) -> Worker:
        return self._records.load(self._id)
