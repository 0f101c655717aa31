"""Whether a Claude Code that nobody has tried listens to a call for as long as it is told: by such
a call in the session of `doctor --deep`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from worker_manager.agents.claude import patience
from worker_manager.doctor.findings import Finding, Place, ok, warning
from worker_manager.domain import identifiers
from worker_manager.domain.message import TEST, Message
from worker_manager.domain.worker import Status, Worker
from worker_manager.processes.probes import ask, version_in
from worker_manager.state import process_identity, tried_versions
from worker_manager.state.layout import mailbox_path, repository_of, transcript_of
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import Records, now

#: Longer than it listens by itself; and with what the model needs for its turn.
CALL_SECONDS, SECONDS = 130.0, 200.0
_ABOUT = "long calls"
_TOOL = "mcp__plugin_worker-manager_crew__wait_for_workers"
#: What its session must be told, as Claude Code's settings.
SETTINGS = {"env": {patience.SETTING: "0"}, "permissions": {"allow": [_TOOL]}}


def version_to_try(root: str) -> str:
    """Returns the version of the `claude` on the PATH, if it is unknown how long it waits for a
    call; else an empty text.
    """
    found = version_in(ask(["claude", "--version"]).text)
    known = (*patience.LISTENS_TO_THE_END, *patience.HEEDS_SETTING, *tried_versions.versions(root))
    return "" if found in known else found


def long_call(place: Place, root: str, home: str, version: str) -> Iterator[Finding]:
    """In the session of this home, which keeps its state in `root` and stands idle."""
    tried_versions.note(root, version)  # its server lets the call take its time
    _record_worker(home)
    Mailbox(mailbox_path(home)).deliver(_letter())
    deadline = time.monotonic() + CALL_SECONDS + SECONDS
    while time.monotonic() < deadline and not (said := _said(home)):
        time.sleep(0.5)
    if said == "to the end":
        tried_versions.note(place.root, version)
        yield ok(_ABOUT, f"{version} listens to a call for {CALL_SECONDS:g} s (tried, noted).")
        return
    why = "moves it to the background all the same" if said else "was not seen to make one"
    yield warning(
        _ABOUT,
        f"{version}, told to listen to a long call, {why}: calls end after 100 s.",
        "nothing: the answer to a worker's question comes as a message then",
    )


def _said(home: str) -> str:
    """Returns how the call ended, from the session's transcript; empty until it has."""
    try:
        with open(transcript_of(home), "rb") as file:
            content = file.read()
    except OSError:
        return ""
    if f"The wait is not over after {CALL_SECONDS:g} s".encode() in content:
        return "to the end"
    return "moved" if b"moved to the background" in content else ""


def _record_worker(home: str) -> None:
    """Records a worker to wait for. It does nothing, and lives as long as the doctor."""
    worker_id = identifiers.new_worker_id()
    worker = Worker(
        id=worker_id,
        name=identifiers.worker_name("doctor", worker_id),
        title="doctor",
        owner=os.path.basename(home),
        created_at=now(),
        project=home,
        path=home,
        agent="claude",
        session_id="",
        handle=f"{home}:none",
        mark=identifiers.new_mark(),
        process=process_identity.identity(os.getpid()),
        launched=True,
        status=Status.RUNNING,
    )
    Records(repository_of(home)).create(worker)()


def _letter() -> Message:
    return Message(
        id=identifiers.new_message_id(),
        type=TEST,
        sender="doctor",
        name="doctor",
        sent=now(),
        body=f"A test letter of worker-manager's doctor. Call the tool {_TOOL} once, with "
        f"timeout_seconds {CALL_SECONDS:g}. When it has answered, say the one word: done.",
    )
