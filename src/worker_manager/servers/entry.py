"""Which server this session needs, registered and served."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from worker_manager.agents import agent_in_record
from worker_manager.agents.claude import session_files  # of our host, whatever workers are
from worker_manager.errors import SessionUnknown, WorkerManagerError, WorkerNotFound
from worker_manager.servers import conversation
from worker_manager.servers.conversation import Heard
from worker_manager.servers.wire import NOTHING, Kept, Wire
from worker_manager.state import orchestrators, sessions
from worker_manager.state.files import write_atomic
from worker_manager.state.layout import (
    PYTHON,
    SERVER,
    WORKERS,
    home_of_session,
    is_session_id,
    is_worker_home,
    repository_directory,
    repository_of,
    state_root,
)

if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet
    from worker_manager.servers.toolbox import Toolbox


def serve_orchestrator(kept: Kept = NOTHING) -> None:
    """The server of a session that starts workers."""
    orchestrator = _Orchestrator()
    # At once: the session's hooks run at this very moment.
    orchestrator.register()
    orchestrator.note_python()
    conversation.serve(
        "orchestrator", orchestrator.load, after_listing=orchestrator.on_tools_listed, kept=kept
    )


def serve_unbuilt(load: Callable[[], Callable[[Wire], None]]) -> None:
    """The same for as long as its packages are being installed: the standard library only. `load`
    waits until they are, and gives what goes on with the conversation.
    """
    orchestrator = _Orchestrator()
    orchestrator.register()

    def take_over(heard: Heard) -> NoReturn:
        go_on = load()
        orchestrator.note_server()
        heard.wire.rewind(heard.lines, said=1)
        go_on(heard.wire)
        raise AssertionError  # another program goes on

    conversation.serve("orchestrator", take_over, after_listing=orchestrator.note_server)


def has_workers() -> bool:
    """Whether there may be workers to supervise, in the repository of this session."""
    return _Orchestrator().has_workers()


def serve_worker() -> None:
    """The server of a worker's session; raises SessionUnknown in any other that inherited
    its environment.
    """
    root = state_root()
    worker_id = os.environ["WORKER_MANAGER_WORKER_ID"]
    # The second is given to the servers of agents that tell theirs no id.
    ours = os.environ.get("WORKER_MANAGER_SESSION_ID", "")
    home = home_of_session(root, os.environ.get("CLAUDE_CODE_SESSION_ID", "") or ours)
    if home is None or not is_worker_home(home) or os.path.basename(home) != worker_id:
        raise SessionUnknown(
            f"This session is not the one of worker {worker_id}: it offers no tools. "
            "Only the session that start_worker launched may report."
        )
    sessions.link_process(root, os.getppid(), home)
    load = partial(_load_worker, home, worker_id)
    after_listing = _Attending(home).begin if ours else partial(_note_if_possible, home)
    conversation.serve("worker", load, after_listing=after_listing)


class _Orchestrator:
    """What the server of an orchestrator knows from its start on, and what it loads later."""

    def __init__(self) -> None:
        self._root = state_root()
        self._project = os.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
        self._claude = os.getppid()  # of a server, unlike of a hook, the parent is claude itself
        self._session_id = os.environ.get("CLAUDE_CODE_SESSION_ID", "")
        self._supervising = threading.Lock()  # held from the moment that it does

    def register(self) -> None:
        """The session is an orchestrator's from now on."""
        if sessions.find_by_process(self._root, self._claude) is None:
            self._open_home(self._session_id)
        sessions.prune_processes(self._root)

    def home(self) -> str:
        """/clear and /resume may give it another; a deleted state directory is made anew."""
        known = sessions.find_by_process(self._root, self._claude)
        if known:
            return known
        # After /clear the variable is no longer true.
        found = session_files.session_id(self._claude)
        return self._open_home(found if is_session_id(found) else self._session_id)

    def load(self, _: Heard) -> Toolbox:
        """The tools. Raises InvalidSetting."""
        from worker_manager.servers import orchestrator

        _set_log_level()
        toolbox = orchestrator.build(self._fleet())
        self._start_supervising()
        return toolbox

    def on_tools_listed(self) -> None:
        """Notes that the session has its tools, and begins to supervise where there are workers."""
        self.note_server()
        if self.has_workers():
            self._start_supervising()

    def has_workers(self) -> bool:
        """Most sessions have none, ever, and nothing to supervise."""
        repository = repository_directory(self._root, self._project)
        return os.path.isdir(os.path.join(repository, WORKERS))

    def note_server(self) -> None:
        """The session has its tools."""
        _try(lambda: _note_server(self.home()))

    def note_python(self) -> None:
        """The session's hooks use this interpreter from now on."""
        write_atomic(os.path.join(self.home(), PYTHON), f"{sys.executable}\n".encode())

    def _start_supervising(self) -> None:
        threading.Thread(target=self._supervise, daemon=True).start()  # it loads all of the crew

    def _supervise(self) -> None:
        if not self._supervising.acquire(blocking=False):
            return  # another thread has begun
        try:
            fleet = self._fleet()
        except WorkerManagerError:
            self._supervising.release()  # the first call will say it, and try again
            return
        from worker_manager.crew.supervision.background import ServerSupervisor

        ServerSupervisor(fleet.supervisor).start()
        _try(fleet.tidy)

    def _fleet(self) -> Fleet:
        from worker_manager import config
        from worker_manager.crew.fleet import open_fleet

        settings = config.load(Path(self._project), os.environ)
        return open_fleet(root=self._root, home=self.home, project=self._project, settings=settings)

    def _open_home(self, session_id: str) -> str:
        """The home of a session, from now on the one of its claude process too."""
        home = orchestrators.open_home(self._root, session_id, self._project)
        sessions.link_process(self._root, self._claude, home)
        return home


def _load_worker(home: str, worker_id: str, _: Heard) -> Toolbox:
    from worker_manager import config
    from worker_manager.servers.tools import worker
    from worker_manager.state.workers.records import Records

    _set_log_level()
    records = Records(repository_of(home))
    try:
        loaded = records.load(worker_id)
    except WorkerNotFound as error:
        raise worker.record_gone(home) from error
    settings = config.load(Path(loaded.project), os.environ)
    attended = agent_in_record(loaded.agent).attended
    return worker.build(
        records,
        worker_id,
        ask_wait_seconds=settings.ask_wait_seconds if not attended or attended.ask_waits else 0,
        check_seconds=settings.check_seconds,
        call_seconds=attended.call_seconds if attended else None,
    )


def _set_log_level() -> None:
    """Without the variable Python itself writes warnings to stderr."""
    level = os.environ.get("WORKER_MANAGER_LOG", "")
    if level:
        import logging  # 10 ms

        form = "%(levelname)s %(name)s: %(message)s"
        logging.basicConfig(stream=sys.stderr, level=level.upper(), format=form)


class _Attending:
    """Of a session without our hooks: its server does what they do, from its tools on."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._began = time.time()  # before the first turn, which may be over when all is loaded
        self._has_begun = False

    def begin(self) -> None:
        _note_if_possible(self._home)
        if not self._has_begun:
            self._has_begun = True
            threading.Thread(target=_try, args=(self._attend,), daemon=True).start()

    def _attend(self) -> None:
        from worker_manager.servers.attendant import Attendant
        from worker_manager.state.workers.records import Records

        worker = Records(repository_of(self._home)).load(os.path.basename(self._home))
        attended = agent_in_record(worker.agent).attended
        if attended is not None:
            Attendant(self._home, attended, self._began).start()


def _try(step: Callable[[], None]) -> None:
    try:
        step()
    except Exception as error:  # noqa: BLE001  the session has its tools all the same
        import logging

        logging.getLogger(__name__).warning("%s", error)  # the tools will say it again


def _note_if_possible(home: str) -> None:
    _try(partial(_note_server, home))


def _note_server(home: str) -> None:
    """The session has its tools: a worker's SessionStart hook waits for this."""
    write_atomic(os.path.join(home, SERVER), str(os.getpid()).encode())
