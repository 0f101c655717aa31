"""Checks hooks and the doorbell by the traces that real sessions have left. Costs nothing; `doctor
--deep` really tries them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from worker_manager.crew import activity
from worker_manager.doctor import switches
from worker_manager.doctor.findings import Finding, Place, failed, ok, unknown, warning
from worker_manager.state import process_identity, sessions
from worker_manager.state.layout import (
    ORCHESTRATORS,
    TRANSCRIPT,
    mailbox_path,
    repository_directory,
    transcript_of,
)
from worker_manager.state.mail.mailbox import Mailbox

#: How Claude Code's transcript names what our doorbell has said (hooks.json, rewakeMessage).
RUNG = b"Mail from worker-manager:"
#: Of each transcript so much of its end is searched, of so many transcripts.
SEARCHED_BYTES, SEARCHED = 5_000_000, 10
#: A doorbell rings in a second; a busy machine may take longer.
LATE_SECONDS = 20.0
#: Failures that are older say little about today.
RECENT_SECONDS = 7 * 86_400
_TRY = "worker-manager doctor --deep tries it: one short turn of the model"


class _Session(NamedTuple):
    """The home of an orchestrator, when its hook last started, and its claude processes."""

    home: str
    fired: float
    claude: list[int]


def hooks(place: Place) -> list[Finding]:
    """Checks that sessions here check in, and that no hook failed recently."""
    about = "hooks"
    file, key = switches.hooks_off(place)
    if file:
        says = f"{key} is true in {file}: no letter wakes a session here."
        return [failed(about, says, f"take {key} out of that file; until then wait_for_workers")]
    known = _sessions(place)
    found = [*_without_the_plugin(place, about), *_failures(place.root)]
    if not known:
        never = "no session with the plugin was seen in this repository yet."
        return [*found, unknown(about, never, "start claude here with the plugin, or " + _TRY)]
    return [*found, ok(about, f"a session checked in {_ago(known[0].fired)}.")]


def servers(place: Place) -> list[Finding]:
    """Checks that running sessions of this repository have their MCP server."""
    about = "MCP server"
    running = [session for session in _sessions(place) if session.claude]
    if not running:
        return [unknown(about, "no session with the plugin runs in this repository now.")]
    dead = [session for session in running if not _has_server(session.home)]
    if dead:
        pids = ", ".join(str(session.claude[0]) for session in dead)
        says = f"the session of claude process {pids} has no server, so it has no tools."
        return [failed(about, says, "in that session: /mcp, crew, Reconnect")]
    return [ok(about, f"up in all sessions that run here: {len(running)}.")]


def doorbell(place: Place) -> list[Finding]:
    """Checks that mail wakes sessions: no message is unread in an idle session, and one was seen to
    wake.
    """
    about = "doorbell"
    known = _sessions(place)
    unseen = [
        session
        for session in known
        if _is_idle(place.root, session) and _waits_too_long(session.home)
    ]
    if unseen:
        pid = unseen[0].claude[0]
        says = f"letters lie unseen before the idle session of claude process {pid}."
        return [failed(about, says, "type anything there, it shows them; then restart it")]
    rung = max((_last_rung(session.home) for session in known[:SEARCHED]), default="")
    if rung:
        return [ok(about, f"a letter woke a session at {rung.replace('T', ' ')} UTC.")]
    return [unknown(about, "no letter has woken a session here yet.", _TRY)]


def _sessions(place: Place) -> list[_Session]:
    """Returns the sessions of this repository, the latest first."""
    folder = Path(repository_directory(place.root, place.directory), ORCHESTRATORS)
    homes = [str(home) for home in folder.glob("*") if (home / TRANSCRIPT).exists()]
    found = [
        _Session(home, _time_of(home, TRANSCRIPT), sessions.attending(place.root, home))
        for home in homes
    ]
    return sorted(found, key=lambda session: session.fired, reverse=True)


def _without_the_plugin(place: Place, about: str) -> list[Finding]:
    """Claude Code's own list of its sessions: one that works here must have checked in."""
    here = repository_directory(place.root, place.directory)
    strangers = [
        pid
        for pid, cwd in activity.running()
        if repository_directory(place.root, cwd) == here
        and sessions.find_by_process(place.root, pid) is None
    ]
    if not strangers:
        return []
    says = f"claude process {strangers[0]} runs here without the plugin, or its hooks fail."
    return [warning(about, says, "end it, and start it again with the plugin: /plugin shows it")]


def _failures(root: str) -> list[Finding]:
    path = os.path.join(root, "logs", "hooks.log")
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            last = (file.read().splitlines() or [""])[-1]
    except OSError:
        return []
    if not last or time.time() - os.stat(path).st_mtime > RECENT_SECONDS:
        return []
    return [warning("hooks", f"one has failed: {last}", f"read {path}; delete it when that is old")]


def _has_server(home: str) -> bool:
    pid = sessions.server_pid(home)
    return pid.isdigit() and process_identity.start_time(int(pid)) is not None


def _is_idle(root: str, session: _Session) -> bool:
    doing = activity.activity(root, session.home) if session.claude else None
    return doing is not None and doing.status == "idle"


def _waits_too_long(home: str) -> bool:
    new = mailbox_path(home)
    mailbox = Mailbox(new)
    ages = [
        time.time() - os.stat(os.path.join(new, "new", name)).st_mtime
        for name in mailbox.waiting()
        if os.path.exists(os.path.join(new, "new", name))
    ]
    return max(ages, default=0.0) > LATE_SECONDS


def _last_rung(home: str) -> str:
    """Returns when a message last woke the session; empty when that is unknown."""
    times = [_stamp(line) for line in _end_of(transcript_of(home)) if RUNG in line]
    return max(times, default="")


def _end_of(path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.stat(path).st_size - SEARCHED_BYTES))
            yield from file
    except OSError:
        return


def _stamp(line: bytes) -> str:
    try:
        return str(json.loads(line).get("timestamp", ""))[:16]
    except (ValueError, AttributeError):
        return ""


def _time_of(home: str, name: str) -> float:
    try:
        return os.stat(os.path.join(home, name)).st_mtime
    except OSError:
        return 0.0


def _ago(at: float) -> str:
    minutes = max(0, int(time.time() - at)) // 60
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 2880:
        return f"{minutes // 60} h ago"
    return f"on {datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
