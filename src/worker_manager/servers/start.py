"""Which server this session needs, built and served."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from worker_manager import config
from worker_manager.errors import SessionUnknown, WorkerManagerError
from worker_manager.state import orchestrators, sessions
from worker_manager.state.files import write_atomic
from worker_manager.state.layout import PYTHON, SERVER, is_worker_home, repository_of, state_root
from worker_manager.state.records import Records

if TYPE_CHECKING:
    from worker_manager.fleet import Fleet

#: A look costs 10 ms.
WATCH_SECONDS = 10.0


def serve_orchestrator() -> None:
    """The server of a session that starts workers."""
    root = state_root()
    project = os.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
    claude = os.getppid()  # of a server, unlike of a hook, the parent is claude itself
    session_id = os.environ.get("CLAUDE_CODE_SESSION_ID", "")
    # Before the slow imports: the session's hooks run at this very moment.
    if sessions.find_by_process(root, claude) is None:
        _open_home(root, claude, session_id, project)
    sessions.prune_processes(root)

    from worker_manager.fleet import Fleet, plugin_root  # slow: after the registration
    from worker_manager.runtimes.tmux import Tmux
    from worker_manager.servers import orchestrator, tooling

    def home() -> str:
        """/clear and /resume may give it another; a deleted state directory is made anew."""
        known = sessions.find_by_process(root, claude)
        if known:
            return known
        # After /clear the variable is no longer true.
        current_id = sessions.id_in_session_file(claude) or session_id
        return _open_home(root, claude, current_id, project)

    tooling.quiet_logging()
    settings = config.load(Path(project), os.environ)
    fleet = Fleet(
        root=root,
        home=home,
        project=project,
        plugin_root=plugin_root(),
        settings=settings,
        runtime=Tmux(settings.tmux_socket),
    )
    tooling.serve(orchestrator.build(fleet), after_listing=lambda: _settle_in(fleet))


def serve_worker() -> None:
    """The server of a worker's session; raises SessionUnknown in any other that inherited
    its environment.
    """
    root = state_root()
    worker_id = os.environ["WORKER_MANAGER_WORKER_ID"]
    home = sessions.find(root, os.environ.get("CLAUDE_CODE_SESSION_ID", ""))
    if home is None or not is_worker_home(home) or os.path.basename(home) != worker_id:
        raise SessionUnknown(
            f"This session is not the one of worker {worker_id}: it offers no tools. "
            "Only the session that start_worker launched may report."
        )
    sessions.link_process(root, os.getppid(), home)
    records = Records(repository_of(home))

    from worker_manager.servers import tooling, worker  # slow: after the registration

    tooling.quiet_logging()
    settings = config.load(Path(records.get(worker_id).project), os.environ)
    server = worker.build(
        records,
        worker_id,
        ask_wait_seconds=settings.ask_wait_seconds,
        check_seconds=settings.check_seconds,
    )
    tooling.serve(server, after_listing=lambda: _note_server(home))


def _open_home(root: str, claude: int, session_id: str, project: str) -> str:
    """The home of a session, from now on the one of its claude process too."""
    home = orchestrators.open_home(root, session_id, project)
    sessions.link_process(root, claude, home)
    write_atomic(os.path.join(home, PYTHON), f"{sys.executable}\n".encode())
    return home


def _settle_in(fleet: Fleet) -> None:
    """The session has its tools; what happened while nobody looked may take its time."""
    _note_server(fleet.home)
    threading.Thread(target=_keep_up, args=(fleet,), daemon=True).start()


def _keep_up(fleet: Fleet) -> None:
    """Catches up with what happened while nobody looked, then goes on looking."""
    _try(fleet.reconcile)
    _try(fleet.tidy)
    while True:
        time.sleep(WATCH_SECONDS)
        _try(fleet.watch)


def _try(look: Callable[[], None]) -> None:
    try:
        look()
    except (WorkerManagerError, OSError) as error:
        logging.getLogger(__name__).warning("%s", error)  # the tools will say it again


def _note_server(home: str) -> None:
    """The session has its tools: a worker's SessionStart hook waits for this."""
    write_atomic(os.path.join(home, SERVER), str(os.getpid()).encode())
