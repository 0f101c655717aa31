"""SessionStart: ties the session to its home, has the mailbox watched, says that mail waits."""

import os
import time

from worker_manager.agents.claude import session_files
from worker_manager.agents.claude.receipts import where_it_grows
from worker_manager.hooks import delivery, open_dialogs, protocol
from worker_manager.hooks.session_process import claude_process
from worker_manager.state import bells, orchestrators, process_identity, sessions
from worker_manager.state.layout import (
    home_of_session,
    is_session_id,
    is_worker_home,
    repository_of,
    state_root,
)
from worker_manager.state.mail import receipts

EVENT = "SessionStart"
#: Sources after which the claude process, and what it has queued, is the same as before.
SAME_PROCESS = ("clear", "compact")
#: A worker's first request holds its tools only when its server is up by then.
SERVER_WAIT_SECONDS = 8.0
#: An orchestrator's, too, when a prompt stands on its command line; but a person may wait for this.
ORCHESTRATOR_WAIT_SECONDS = 1.5
#: From tools/list answered to Claude Code having it.
SETTLE_SECONDS = 0.1


def run() -> int:
    """Links, watches, shows."""
    began = time.time()
    given = protocol.stdin()
    root = state_root()
    claude = claude_process(root)
    told = str(given.get("session_id") or os.environ.get("CLAUDE_CODE_SESSION_ID", ""))
    session_id = _session_id(told, given, claude)
    home = _home(root, session_id, given, claude)
    if home is None:
        return 0
    if claude:
        before = sessions.find_by_process(root, claude)
        sessions.link_process(root, claude, home)
        if before is not None and before != home:
            bells.notify(before)  # its server may look after that one
    if is_worker_home(home):
        if given.get("source") not in SAME_PROCESS:
            open_dialogs.restarted(home)
        _check_in(home, began)
    delivery.requeue_unconfirmed(home, restarted=given.get("source") not in SAME_PROCESS)
    transcript = str(given.get("transcript_path", "")).replace(told, session_id)
    receipts.note_transcript(home, where_it_grows(transcript))
    sessions.note_start(home, claude)
    if not is_worker_home(home):
        _wait_for_server(home, ORCHESTRATOR_WAIT_SECONDS)
    if protocol.is_interactive():
        _leave_mail(home)
    else:
        _show_mail(home)
    return 0


def _leave_mail(home: str) -> None:
    """What this hook says reaches the model with the next prompt, whenever that comes: what waits
    is left to the doorbell. The server rings once the mailbox is watched.
    """
    protocol.add_context(EVENT, "", watch=home, to_person=delivery.waiting_in_short(home))
    bells.notify(home)


def _show_mail(home: str) -> None:
    """Here the prompt comes at once, and nothing rings."""
    shown = delivery.take(home)
    protocol.add_context(EVENT, shown.text if shown else "")
    if shown is not None:
        shown.acknowledge()


def _session_id(told: str, given: dict[str, object], claude: int | None) -> str:
    """Returns the session's id. Claude Code 2.1.197 gives a forked session its parent's id here;
    its session file has the right one.
    """
    if given.get("source") != "resume" or claude is None:
        return told
    found = session_files.session_id(claude)
    return found if is_session_id(found) else told


def _home(root: str, session_id: str, given: dict[str, object], claude: int | None) -> str | None:
    """The session's home: its own, else after /clear the one of its claude process, else a
    new orchestrator's. None in a session that a worker started for itself.
    """
    home = home_of_session(root, session_id)
    if home is None and claude and given.get("source") in SAME_PROCESS:
        home = sessions.find_by_process(root, claude)
        if home is not None:
            sessions.link(root, session_id, home)
    if home is None and not os.environ.get("WORKER_MANAGER_WORKER_ID"):
        project = os.environ.get("CLAUDE_PROJECT_DIR") or str(given.get("cwd") or os.getcwd())
        home = orchestrators.open_home(root, session_id, project)
    return home


def _check_in(home: str, began: float) -> None:
    from worker_manager.crew.reporting import reports  # 60 ms, in workers only
    from worker_manager.state.workers.records import Records

    reports.check_in(Records(repository_of(home)), os.path.basename(home), began)
    _wait_for_server(home, SERVER_WAIT_SECONDS)


def _wait_for_server(home: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not _server_is_up(home) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(SETTLE_SECONDS)


def _server_is_up(home: str) -> bool:
    pid = sessions.server_pid(home)
    return pid.isdigit() and process_identity.start_time(int(pid)) is not None
