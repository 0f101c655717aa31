"""A session's turns, by its rollout, and the messages that wait for one in Codex's queue."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Collection
from contextlib import closing
from typing import Any

from worker_manager.agents.base import Turn
from worker_manager.agents.codex import program, rollouts
from worker_manager.domain.session import Activity
from worker_manager.errors import WorkerManagerError
from worker_manager.text.line_files import last_part

#: The end of a turn is the last line of a session that is idle, or nearly.
TAIL_BYTES = 300_000
#: It takes half a second; a busy machine is slow.
QUEUE_SECONDS = 60.0
#: Our word for a usage limit.
RATE_LIMIT = "rate_limit"
_LIMITS = ("usage_limit_exceeded",)
STARTED, COMPLETE, ABORTED = "task_started", "task_complete", "turn_aborted"


def turn(transcript: str) -> Turn | None:
    """The last one; None before the first, or when the rollout can't be read."""
    try:
        offset = last_part(transcript, TAIL_BYTES)
        for start in dict.fromkeys((offset, 0)):
            found = _last_turn(transcript, start)
            if found:
                return found
    except OSError:
        pass
    return None


def activity(transcript: str) -> Activity | None:
    """What the session does. One at its usage limit waits: nothing that it is told helps."""
    last = turn(transcript)
    if last is None:
        return None
    if not last.is_over:
        return Activity("busy", "", last.at)
    if last.error == RATE_LIMIT:
        return Activity("waiting", "its usage limit", last.at)
    return Activity("idle", "", last.at)


def queue_prompt(transcript: str, text: str) -> str:
    """As `Attended.queue_prompt`, by `codex queue`. The text stands on a command line."""
    written = rollouts.bytes_written(transcript)
    try:
        command = [program.usable().path, "queue", "--thread", rollouts.thread_of(transcript)]
        done = subprocess.run(
            [*command, f"--message={text}"],
            env={**os.environ, "CODEX_HOME": _codex_home_of(transcript)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=QUEUE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        # A second one would come, too.
        return "" if _has_come(transcript, written, text) else f"codex queue failed: {error}"
    except (OSError, WorkerManagerError) as error:
        return f"codex queue failed: {error}"
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return f"codex queue failed: {said}"
    return ""


def receipts(transcript: str, offset: int, ids: Collection[str]) -> tuple[set[str], set[str], bool]:
    """As `Agent.receipts`. Delivered is not read: a session at its limit takes each message, and
    fails. So a message counts once a turn ended without an error behind it.
    """
    seen, open_ones = set[str](), set[str]()
    has_ended = False
    for record in rollouts.records(transcript, offset, COMPLETE, ABORTED, *ids):
        text = rollouts.told_text(record)
        open_ones |= {one for one in ids if one in text} if text else set()
        kind = record["payload"].get("type")
        if record.get("type") != "event_msg" or kind not in (COMPLETE, ABORTED):
            continue
        has_ended = True
        if kind == COMPLETE:
            seen |= set() if record["payload"].get("error") else open_ones
            open_ones = set()
    queued = (open_ones | _in_queue(transcript, set(ids) - seen - open_ones)) - seen
    return seen, queued, has_ended


def _last_turn(transcript: str, offset: int) -> Turn | None:
    last: Turn | None = None
    for record in rollouts.records(transcript, offset, STARTED, COMPLETE, ABORTED):
        kind = record["payload"].get("type")
        if record.get("type") == "event_msg" and kind in (STARTED, COMPLETE, ABORTED):
            last = _turn(record, str(kind))
    if last is None and offset:
        # So much was written since it began.
        return Turn("", is_over=False, at=os.stat(transcript).st_mtime)
    return last


def _turn(record: dict[str, Any], kind: str) -> Turn:
    payload = record["payload"]
    error = payload.get("error") if isinstance(payload.get("error"), dict) else {}
    said = str(error.get("message") or "")
    return Turn(
        str(payload.get("turn_id", "")),
        is_over=kind != STARTED,
        at=rollouts.moment_of(record),
        error=_error(error.get("codex_error_info")) if error else "",
        said=said if error else str(payload.get("last_agent_message") or ""),
        was_interrupted=kind == ABORTED,
    )


def _error(info: object) -> str:
    """Our word for a usage limit, else Codex's: a word, or a table with one key."""
    if info in _LIMITS:
        return RATE_LIMIT
    if isinstance(info, dict):
        return next(map(str, info), "unknown")
    return str(info or "unknown")


def _has_come(transcript: str, written: int, text: str) -> bool:
    """Whether a message waits in Codex's queue, or was taken out of it since so much was
    written.
    """
    waiting = _queue(transcript)
    if waiting is None or text in waiting.replace("\\", ""):  # JSON has it before each quote
        return True
    try:
        records = rollouts.records(transcript, written)
        return any(text in rollouts.told_text(record) for record in records)
    except OSError:
        return False


def _in_queue(transcript: str, ids: Collection[str]) -> set[str]:
    """Which of these wait in Codex's queue. What can't be read may be there: Codex loses none."""
    waiting = _queue(transcript) if ids else ""
    return set(ids) if waiting is None else {one for one in ids if one in waiting}


def _queue(transcript: str) -> str | None:
    """What waits in Codex's queue, as JSON; None when it can't be read."""
    path = os.path.join(_codex_home_of(transcript), "queue_1.sqlite")
    if not os.path.exists(path):
        return ""
    thread = rollouts.thread_of(transcript)
    query = "SELECT payload_json FROM queued_items WHERE thread_id = ?"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)) as database:
            return "\n".join(str(row[0]) for row in database.execute(query, (thread,)))
    except sqlite3.Error:
        return None


def _codex_home_of(transcript: str) -> str:
    """The directory whose session a rollout is of."""
    before, found, _ = transcript.rpartition(f"{os.sep}sessions{os.sep}")
    return before if found else rollouts.codex_home()
