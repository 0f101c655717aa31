"""What is to be done when something has ended: an agent's process, or a session."""

import os
from pathlib import Path

from worker_manager import config, reports
from worker_manager.config import Settings
from worker_manager.fleet import Fleet, plugin_root
from worker_manager.runtimes.tmux import Tmux
from worker_manager.state import journal
from worker_manager.state.layout import repository_of, state_root
from worker_manager.state.records import Records


def main(arguments: list[str]) -> int:
    """`--exited ID CODE` from a launch script; `--end-session HOME` from the SessionEnd hook;
    `--reconcile HOME` from a hook that found what a dead process has left.
    """
    match arguments:
        case ["--exited", worker_id, code] if code.isdigit():
            return _exited(worker_id, int(code))
        case ["--end-session", home]:
            return _end_session(home)
        case ["--reconcile", home]:
            _fleet(home, _settings_of(home)).reconcile()
            return 0
        case _:
            return 2


def _exited(worker_id: str, code: int) -> int:
    """The worker's agent has ended; this runs in its pane, which stays to be looked at. It
    reads no settings: they may be broken by now.
    """
    for entry in os.scandir(state_root()):
        records = Records(entry.path)
        if os.path.isdir(records.home(worker_id)):
            worker = records.get(worker_id)
            screen = Tmux("").screen(worker.handle)
            journal.note(records.home(worker_id), "agent ended", exit_code=code)
            reports.ended(records, worker_id, exit_code=code, screen=screen)
    return code


def _end_session(home: str) -> int:
    """The person ended the orchestrator's session: its unfinished workers end, if so set."""
    settings = _settings_of(home)
    if settings.on_exit == "stop":
        stopped = _fleet(home, settings).stop_unfinished()
        journal.note(home, "session ended", stopped=stopped)
    return 0


def _fleet(home: str, settings: Settings) -> Fleet:
    return Fleet(
        root=state_root(),
        home=lambda: home,
        project=home,
        plugin_root=plugin_root(),
        settings=settings,
        runtime=Tmux(settings.tmux_socket),
    )


def _settings_of(home: str) -> Settings:
    for worker in Records(repository_of(home)).all():
        if worker.owner == os.path.basename(home):
            return config.load(Path(worker.project), os.environ)
    return config.load(Path(home), os.environ)
