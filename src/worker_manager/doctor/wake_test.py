"""`doctor --deep`: a real Claude Code session, a test letter, and whether it woke. It has a state
directory of a moment's, and costs one short turn of the model.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, TypeVar

from worker_manager.agents.base import StartDialog
from worker_manager.agents.claude.launch import SESSION_VARIABLES
from worker_manager.agents.claude.receipts import receipts as look
from worker_manager.agents.claude.start_dialogs import start_dialog
from worker_manager.crew import activity as activities
from worker_manager.crew.lifecycle.launch import plugin_root
from worker_manager.doctor import switches, trial
from worker_manager.doctor.findings import Finding, Place, Verdict, failed, ok, unknown
from worker_manager.domain import identifiers
from worker_manager.domain.message import TEST, Message
from worker_manager.errors import WorkerManagerError
from worker_manager.runtimes.tmux.runtime import Tmux
from worker_manager.state import sessions
from worker_manager.state.layout import home_of_session, mailbox_path, transcript_of
from worker_manager.state.mail import receipts, redelivery
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import now

#: A session checks in after 1 to 3 s; a busy machine is slow.
CHECK_IN_SECONDS, SERVER_SECONDS, WAKE_SECONDS = 40.0, 40.0, 40.0
#: Where settings turn hooks off, from the start of its server on: it is only to be confirmed.
OFF_SECONDS = 5.0
#: All of it, with its end.
SECONDS = 150.0 + trial.CALL_SECONDS + trial.SECONDS
#: It reads letters, and changes nothing: what no rule allows is refused without a question. (Where
#: it plans, Claude Code asks about our tool in spite of its rule; seen.)
_MODE = "dontAsk"
_SETTINGS = {"tui": "default", "skipDangerousModePermissionPrompt": True, **trial.SETTINGS}
_LETTER = "A test letter of worker-manager's doctor. Say the one word: received."
_LOOK_SECONDS = 0.1

T = TypeVar("T")


class _TestSession(NamedTuple):
    """A session started for the test: its id, state directory and terminal."""

    session_id: str
    root: str
    runtime: Tmux
    handle: str

    def home(self) -> str | None:
        """Returns the session's home, None until it exists. Its server creates it, too: it does not
        prove that hooks run.
        """
        return home_of_session(self.root, self.session_id)

    def checked_in(self) -> str | None:
        """Returns the session's home, None until its SessionStart hook has run."""
        home = self.home()
        return home if home and transcript_of(home) else None


def session(place: Place) -> list[Finding]:
    """Tries hooks, MCP server and doorbell in a real session."""
    if shutil.which("claude") is None:
        return [unknown("doorbell", "there is no `claude` to try it with.")]
    try:
        with _started(place.directory) as test:
            return list(_tried(test, place))
    except (WorkerManagerError, OSError) as error:
        return [unknown("doorbell", f"it could not be tried: {error}")]


def _tried(test: _TestSession, place: Place) -> Iterator[Finding]:
    began = time.monotonic()
    is_off = any(switches.hooks_off(place))
    _wait(lambda: test.checked_in() or _dialog(test) or (is_off and test.home()), CHECK_IN_SECONDS)
    if is_off:
        _wait(test.checked_in, OFF_SECONDS)
    home = test.checked_in()
    if home is None:
        yield _no_hook(test, place)
        return
    yield ok("hooks", f"a session checked in {_since(began)} after its start (tried).")
    if _wait(lambda: sessions.server_pid(home), SERVER_SECONDS):
        yield ok("MCP server", f"listed its tools {_since(began)} after the start (tried).")
    else:
        repair = "claude mcp list in this directory says why"
        yield failed("MCP server", "did not list its tools in the session (tried).", repair)
    rung = _rung(test, home)
    yield rung
    version = trial.version_to_try(place.root) if rung.verdict is Verdict.OK else ""
    if version:
        _wait(lambda: _is_idle(test.root, home), CHECK_IN_SECONDS)
        yield from trial.long_call(place, test.root, home, version)


def _rung(test: _TestSession, home: str) -> Finding:
    """Delivers the test message to the idle session and waits until it is shown."""
    _wait(lambda: _is_idle(test.root, home), CHECK_IN_SECONDS)
    letter = Message(
        id=identifiers.new_message_id(),
        type=TEST,
        sender="doctor",
        name="doctor",
        sent=now(),
        body=_LETTER,
    )
    began = time.monotonic()
    mailbox = Mailbox(mailbox_path(home))

    def is_seen() -> bool:
        redelivery.redeliver_if_due(
            mailbox, time.time()
        )  # as the server does of a session that has workers
        return receipts.fate(home, look, letter.id) == receipts.SEEN

    mailbox.deliver(letter)
    if _wait(is_seen, WAKE_SECONDS):
        return ok("doorbell", f"a test letter woke a session in {_since(began)} (tried).")
    if receipts.fate(home, look, letter.id) == receipts.TAKEN:
        says = "a hook took the test letter, but it never reached the conversation (tried)."
    else:
        says = "the test letter lay unseen before an idle session (tried)."
    repair = "use wait_for_workers meanwhile; tell your Claude Code version in an issue"
    return failed("doorbell", says, repair)


def _dialog(test: _TestSession) -> StartDialog | None:
    """What it stops at until a person answers."""
    return start_dialog(test.runtime.screen(test.handle))


def _no_hook(test: _TestSession, place: Place) -> Finding:
    dialog = _dialog(test)
    if dialog:
        says = f"a new session here stops at a dialog: the {dialog.name}."
        return failed("hooks", says, dialog.way_out)
    if test.home():
        says = "a new session has its MCP server, but none of its hooks ran (tried)."
        file, key = switches.hooks_off(place)
        repair = f"take {key} out of {file}" if file else "claude --debug shows why hooks don't run"
        return failed("hooks", says, repair)
    screen = test.runtime.screen(test.handle)
    last = next((line for line in reversed(screen.splitlines()) if line.strip()), "nothing")
    says = f"a new session never checked in; its terminal says: {last.strip()[:200]}"
    return failed("hooks", says, "claude --debug shows why hooks don't run")


def _is_idle(root: str, home: str) -> bool:
    activity = activities.activity(root, home)
    return activity is not None and activity.status == "idle"


@contextmanager
def _started(directory: str) -> Iterator[_TestSession]:
    """A session in a tmux server of its own, ended afterwards."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="wm-"))
    test = _TestSession(str(uuid.uuid4()), f"{folder}/state", Tmux(""), f"{folder}/s:doctor")
    try:
        test.runtime.launch(test.handle, _command(test), cwd=directory)
        yield test
    finally:
        with suppress(WorkerManagerError):
            test.runtime.end(test.handle)
        _wait(lambda: not _is_attended(test), 5.0)
        shutil.rmtree(folder, ignore_errors=True)


def _command(test: _TestSession) -> list[str]:
    """claude, with nothing that a session of the caller has of its own."""
    ours = [name for name in os.environ if name.startswith("WORKER_MANAGER_")]
    unset = [word for name in (*SESSION_VARIABLES, *ours) for word in ("-u", name)]
    state = f"WORKER_MANAGER_STATE_DIR={test.root}"
    python = f"WORKER_MANAGER_PYTHON={sys.executable}"
    claude = ["claude", "--session-id", test.session_id, "--plugin-dir", plugin_root()]
    claude += ["--settings", json.dumps(_SETTINGS), "--permission-mode", _MODE]
    return ["env", *unset, state, python, *claude]


def _is_attended(test: _TestSession) -> bool:
    home = test.home()
    return home is not None and bool(sessions.attending(test.root, home))


def _wait(look: Callable[[], T], seconds: float) -> T | None:
    """Polls until `look` returns a result; None when `seconds` are over first."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            return None
        time.sleep(_LOOK_SECONDS)
    return found


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
