"""What Codex writes of a session: its rollout, a JSON object on each line, from the first prompt
on. Its name ends with the id of the thread. Seen with 0.171.0.
"""

from __future__ import annotations

import glob
import json
import os
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from worker_manager.agents.base import Entry
from worker_manager.text import rendering
from worker_manager.text.line_files import LINE_LIMIT, last_part, skip_line

TEXT_LIMIT = 300
LATEST_BYTES = 100_000
_THREAD = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl$")
#: Where the first prompt stands at the latest; before it are Codex's own instructions.
HEAD_BYTES = 1_000_000
#: A rollout is written some seconds after its session was launched, on a slow machine a minute.
DAY_SECONDS = 86_400.0
#: What Codex itself writes in the place of a user.
_OWN = ("<environment_context>", "<user_instructions>", "<turn_aborted>", "# AGENTS.md")


def codex_home() -> str:
    """Codex's own directory."""
    return os.environ.get("CODEX_HOME") or os.path.expanduser("~/.codex")


def thread_of(rollout: str) -> str:
    """The id of the thread that a rollout is of; empty when its name has none."""
    found = _THREAD.search(rollout)
    return found[1] if found else ""


def find(home: str, began: float) -> str:
    """The rollout of the session whose first prompt names a file in this home; of several the
    newest. None that was last written before `began`, in seconds since the epoch.
    """
    for path in sorted(_recent(began), reverse=True):
        # Others may speak of that file later on.
        if home + os.sep in _first_prompt(path):
            return path
    return ""


def records(path: str, offset: int, *words: str) -> Iterator[dict[str, Any]]:
    """The whole lines from an offset on; of `words` they have one, when some are given: most lines
    are not worth to be parsed. Raises OSError.
    """
    wanted = [word.encode() for word in words]
    with open(path, "rb") as file:
        file.seek(offset)
        for line in file:
            is_wanted = not wanted or any(word in line for word in wanted)
            record = parsed(line) if is_wanted and line.endswith(b"\n") else {}
            if record:
                yield record


def parsed(line: bytes) -> dict[str, Any]:
    """A line's object, its `payload` one, too; empty for what is none."""
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    is_known = isinstance(record, dict) and isinstance(record.get("payload"), dict)
    return record if is_known else {}


def user_text(record: dict[str, Any]) -> str:
    """What a prompt says; empty for other lines, and for what Codex itself put there."""
    payload = record["payload"]
    if record.get("type") != "response_item" or payload.get("type") != "message":
        return ""
    text = _content(payload) if payload.get("role") == "user" else ""
    return "" if text.startswith(_OWN) else text


def told_text(record: dict[str, Any]) -> str:
    """The same with what hooks have said beside it: a message of its developer."""
    payload = record["payload"]
    if record.get("type") != "response_item" or payload.get("type") != "message":
        return ""
    return "" if payload.get("role") == "assistant" else _content(payload)


def moment_of(record: dict[str, Any]) -> float:
    """When a line was written, in seconds since the epoch; 0 when it does not say."""
    try:
        return datetime.fromisoformat(str(record.get("timestamp"))).timestamp()
    except ValueError:
        return 0.0


def has_conversation(transcript: str) -> bool:
    """Whether there is something to go on with: Codex resumes what has a rollout."""
    return bool(thread_of(transcript)) and os.path.isfile(transcript)


def entries(path: str, offset: int) -> Iterator[Entry]:
    """As `Agent.entries`."""
    at = ""
    with open(path, "rb") as file:
        file.seek(offset)
        while (line := file.readline(LINE_LIMIT)).endswith(b"\n") or len(line) == LINE_LIMIT:
            texts: tuple[str, ...] = ()
            if line.endswith(b"\n"):
                record = parsed(line)
                said_at = record.get("timestamp")
                at = said_at[:30] if isinstance(said_at, str) else at
                text = _told(record) if record else ""
                texts = (text,) if text else ()
            elif skip_line(file):
                texts = (f"(a line of {file.tell() - offset:,} bytes)",)
            else:
                return
            offset = file.tell()
            yield Entry(at, texts, offset)


def latest(path: str) -> str:
    """As `Agent.latest`."""
    try:
        texts = [one.texts for one in entries(path, last_part(path, LATEST_BYTES)) if one.texts]
    except OSError:
        return ""
    return texts[-1][-1] if texts else ""


def bytes_written(path: str) -> int:
    """As `Agent.bytes_written`."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _first_prompt(path: str) -> str:
    """Of a session that is no sub-agent's, which may begin with the same; empty while there is
    none.
    """
    try:
        with open(path, "rb") as file:
            meta = parsed(file.readline(HEAD_BYTES)).get("payload", {})
            if meta.get("thread_source", "user") != "user":
                return ""
            for line in file:
                record = parsed(line)
                text = user_text(record) if record else ""
                # What begins like that was put there by a Codex that knows more of its own.
                if text and not text.startswith("<"):
                    return text
                if file.tell() > HEAD_BYTES:
                    break
    except OSError:
        pass
    return ""


def _recent(began: float) -> Iterator[str]:
    """Those written since then; they lie in a folder for each day that a session began on."""
    sessions = os.path.join(codex_home(), "sessions")
    days = range(int((time.time() - began) // DAY_SECONDS) + 2)
    for day in days:
        local = time.localtime(time.time() - day * DAY_SECONDS)
        folder = os.path.join(glob.escape(sessions), time.strftime("%Y/%m/%d", local))
        for path in glob.iglob(os.path.join(folder, "rollout-*.jsonl")):
            if bytes_written(path) and os.stat(path).st_mtime >= began:
                yield path


def _told(record: dict[str, Any]) -> str:
    payload, kind = record["payload"], record["payload"].get("type")
    if record.get("type") == "response_item":
        return _item(record, payload, str(kind))
    if kind == "task_complete" and isinstance(payload.get("error"), dict):
        return f"error: {_short(payload['error'].get('message'))}"
    if kind == "turn_aborted":
        return f"{_short(payload.get('reason'))}"
    return ""


def _item(record: dict[str, Any], payload: dict[str, Any], kind: str) -> str:
    if kind == "message":
        if payload.get("role") == "assistant":
            return f"says: {_short(_content(payload))}"
        told = user_text(record)
        return f"told: {_short(told)}" if told else ""
    if kind in ("function_call", "custom_tool_call", "local_shell_call"):
        given = payload.get("arguments") or payload.get("input") or payload.get("action")
        return f"{_short(payload.get('name') or 'shell')}: {_short(given)}"
    return ""


def _content(payload: dict[str, Any]) -> str:
    content = payload.get("content")
    parts = content if isinstance(content, list) else []
    return "\n".join(str(one.get("text", "")) for one in parts if isinstance(one, dict))


def _short(value: object) -> str:
    """On one line, without tricks, cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = rendering.one_line(text[: 4 * TEXT_LIMIT])
    return line if len(line) <= TEXT_LIMIT else f"{line[:TEXT_LIMIT]}..."
