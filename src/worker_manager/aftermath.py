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
    """`--exited ID CODE` from a launch script, `--end-session HOME` from the SessionEnd hook."""
    match arguments:
        case ["--exited", worker_id, code] if code.isdigit():
            return _exited(worker_id, int(code))
        case ["--end-session", home]:
            return _end_session(home)
        case _:
            return 2


def _exited(worker_id: str, code: int) -> int:
    """The worker's agent has ended; this runs in its pane, which stays to be looked at."""
    for entry in os.scandir(state_root()):
        records = Records(entry.path)
        if os.path.isdir(records.home(worker_id)):
            worker = records.get(worker_id)
            settings = config.load(Path(worker.project), os.environ)
            screen = Tmux(settings.tmux_socket).screen(worker.handle)
            journal.note(records.home(worker_id), "agent ended", exit_code=code)
            reports.ended(records, worker_id, exit_code=code, screen=screen)
    return code


def _end_session(home: str) -> int:
    """The person ended the orchestrator's session: its unfinished workers end, if so set."""
    settings = _settings_of(home)
    if settings.on_exit == "stop":
        fleet = Fleet(
            root=state_root(),
            home=lambda: home,
            project=home,
            plugin_root=plugin_root(),
            settings=settings,
            runtime=Tmux(settings.tmux_socket),
        )
        fleet.stop_unfinished()
    return 0


def _settings_of(home: str) -> Settings:
    for worker in Records(repository_of(home)).all():
        if worker.owner == os.path.basename(home):
            return config.load(Path(worker.project), os.environ)
    return config.load(Path(home), os.environ)
