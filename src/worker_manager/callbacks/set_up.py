"""Sets a new worktree up: runs the project's command in the worker's pane, before its agent.

The pane shows what it says, the worker's home keeps it. Without success there is no agent: the
worker has failed, and its orchestrator reads why.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status, Worker
from worker_manager.processes import shell
from worker_manager.state import journal
from worker_manager.state.files import append
from worker_manager.state.layout import repository_of
from worker_manager.state.workers.records import Records
from worker_manager.text import rendering

#: In the worker's home.
LOG = "setup.log"
#: Of the log; what comes later is only shown.
LOG_BYTES = 10_000_000
#: As of timeout(1).
TOOK_TOO_LONG = 124


def main(arguments: list[str]) -> int:
    """`--set-up HOME SECONDS COMMAND` from a launch script; 0 when the agent may start."""
    _, home, seconds, command = arguments
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    records, worker_id = Records(repository_of(home)), os.path.basename(home)
    worker = records.load(worker_id)
    records.update(worker_id, lambda one: _told(one, f"its setup runs: {_short(command)}"))
    log = _Log(os.path.join(home, LOG))
    outcome = shell.run(command, cwd=worker.path, seconds=float(seconds), told=log.tell)
    journal.note(home, "set up", exit_code=outcome.code, seconds=round(outcome.seconds, 1))
    if outcome.code == 0:
        records.update(worker_id, lambda one: _told(one, ""))
        return 0
    how = (
        f"took longer than {seconds} s"
        if outcome.code is None
        else f"failed, exit code {outcome.code}"
    )
    code = outcome.code or TOOK_TOO_LONG
    reports.ended(
        records,
        worker_id,
        exit_code=code,
        screen=rendering.clean(outcome.output),
        reason=f"its setup `{_short(command)}` {how}; its agent was not started. Setting: "
        f"worktree.setup; all it said: {log.path}",
    )
    return code


class _Log:
    """Shows the output in the pane, and keeps it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._left = LOG_BYTES

    def tell(self, portion: bytes) -> None:
        text = portion[: self._left].decode("utf-8", "replace")
        self._left -= len(portion[: self._left])
        with suppress(OSError):  # no disk, or no terminal any more: the setup goes on
            append(self.path, text)
            os.write(sys.stdout.fileno(), portion)


def _told(worker: Worker, reason: str) -> Worker:
    return worker._replace(reason=reason) if worker.status is Status.STARTING else worker


def _short(command: str) -> str:
    return rendering.one_line(command)[:200]


def _leave(number: int, _frame: FrameType | None) -> None:
    """Its terminal goes: the worker was stopped."""
    shell.end_all()
    os._exit(128 + number)
