"""The home of an orchestrator: a lineage of Claude sessions, never a pid; or a repository's
terminals, which are one.
"""

import json
import os
import time

from worker_manager.domain.identifiers import digest
from worker_manager.errors import SessionUnknown
from worker_manager.state import sessions
from worker_manager.state.files import make_private, write_atomic
from worker_manager.state.layout import (
    home_of_session,
    is_session_id,
    mailbox_path,
    orchestrator_home,
    repository_directory,
)
from worker_manager.state.mail.mailbox import Mailbox

#: The id of the orchestrator that people at terminals are.
TERMINAL = "terminal"
RECORD = "orchestrator.json"


def open_home(root: str, session_id: str, project: str) -> str:
    """The home of the session's orchestrator, made when it is new.

    Its id is derived from the session id, so that the server and the first hook, which start
    at the same moment, make the same one without a lock. Raises SessionUnknown.
    """
    known = home_of_session(root, session_id)
    if known:
        return known
    if not is_session_id(session_id):
        raise SessionUnknown(
            f"The id of this session is {session_id!r}, which is no session id. "
            "Start worker-manager from Claude Code, as a plugin."
        )
    repository = repository_directory(root, project)
    orchestrator_id = digest(session_id.encode())[:12]
    home = _make(repository, orchestrator_id, project, session_id)
    sessions.link(root, session_id, home)
    return home


def open_terminal_home(root: str, project: str) -> str:
    """The home of whoever works in a repository from terminals, made when it is new."""
    repository = repository_directory(root, project)
    home = orchestrator_home(repository, TERMINAL)
    is_made = os.path.exists(os.path.join(home, RECORD))
    return home if is_made else _make(repository, TERMINAL, project, "")


def _make(repository: str, orchestrator_id: str, project: str, session_id: str) -> str:
    home = orchestrator_home(repository, orchestrator_id)
    make_private(home)
    Mailbox(mailbox_path(home)).create()
    record = {
        "schema": 1,
        "id": orchestrator_id,
        "session_id": session_id,
        "project": os.path.realpath(project),
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    write_atomic(os.path.join(home, RECORD), json.dumps(record, indent=1).encode())
    return home
