"""What is to be done when something has ended: an agent's process, a session, or a worker's time
to check in.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from worker_manager import config
from worker_manager.agents import agent_in_record
from worker_manager.config import Settings
from worker_manager.crew.fleet import Fleet, open_fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain import message
from worker_manager.domain.worker import Status, Worker
from worker_manager.runtimes.registry import open_runtime
from worker_manager.state import consults, journal
from worker_manager.state.layout import repository_of, state_root
from worker_manager.state.workers.records import Records

#: From the first look at a worker that has not checked in to the second.
SECOND_LOOK_SECONDS = 50


def main(arguments: list[str]) -> int:
    """`--exited ID PID CODE` and `--not-checked-in ID` from a launch script; `--end-session HOME`
    from the SessionEnd hook; `--reconcile HOME` from a hook that found what a dead process left.
    """
    match arguments:
        case ["--exited", worker_id, pid, code] if code.isdigit():
            return _exited(worker_id, pid, int(code))
        case ["--not-checked-in", worker_id]:
            return _not_checked_in(worker_id)
        case ["--end-session", home]:
            return _end_session(home)
        case ["--reconcile", home]:
            _fleet(home, _settings_of(home)).reconcile()
            return 0
        case _:
            return 2


def _exited(worker_id: str, pid: str, code: int) -> int:
    """The worker's agent has ended; this runs in its pane, which stays to be looked at. It
    reads no settings: they may be broken by now.
    """
    for records, worker in _records_of(worker_id):
        if consults.is_one(records.repository) and worker.finished:
            continue  # it is being removed: what is written now would bring it back
        journal.note(records.home(worker_id), "agent ended", exit_code=code)
        reports.ended(
            records,
            worker_id,
            exit_code=code,
            screen=open_runtime().screen(worker.handle) if worker.is_run_by(pid) else "",
            is_meant=lambda current: current.is_run_by(pid),
        )
    return code


def _not_checked_in(worker_id: str) -> int:
    """The worker has not checked in for a while: a dialog that we know is told at once, anything
    else a little later, for a busy machine is slow.
    """
    for seconds in (0, SECOND_LOOK_SECONDS):
        time.sleep(seconds)
        for records, worker in _records_of(worker_id):
            screen = open_runtime().screen(worker.handle)
            dialog = agent_in_record(worker.agent).start_dialog(screen)
            if worker.status is not Status.STARTING:
                return 0
            if dialog or seconds:
                way_out = dialog.way_out if dialog else "Look at its terminal, or stop it."
                reason = dialog.name if dialog else "has not checked in"
                text = f"Its session has not started: {reason}. {way_out}\nIts terminal:\n{screen}"
                reports.blocked(
                    records,
                    worker_id,
                    message.BLOCKED,
                    text,
                    reason=reason,
                    is_meant=lambda one: one.status is Status.STARTING,
                )
                return 0
    return 0


def _records_of(worker_id: str) -> Iterator[tuple[Records, Worker]]:
    for entry in os.scandir(state_root()):
        records = Records(entry.path)
        if os.path.isdir(records.home(worker_id)):
            yield records, records.load(worker_id)


def _end_session(home: str) -> int:
    """The person ended the orchestrator's session: its unfinished workers end, if so set."""
    settings = _settings_of(home)
    if settings.on_exit == "stop":
        stopped = _fleet(home, settings).stop_unfinished()
        journal.note(home, "session ended", stopped=stopped)
    return 0


def _fleet(home: str, settings: Settings) -> Fleet:
    return open_fleet(root=state_root(), home=lambda: home, project=home, settings=settings)


def _settings_of(home: str) -> Settings:
    for worker in Records(repository_of(home)).all():
        if worker.owner == os.path.basename(home):
            return config.load(Path(worker.project), os.environ)
    return config.load(Path(home), os.environ)
