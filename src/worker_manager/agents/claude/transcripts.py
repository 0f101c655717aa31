"""What a Claude session did, as short lines, from the transcript that Claude Code writes: a JSON
object on each line, many of no interest here, some of megabytes, the last one half written.

Besides `state.receipts` the only module that knows this format. Nothing is read that is not
asked for.
"""

import json
from collections.abc import Iterator
from typing import Any

from worker_manager.agents.base import Entry
from worker_manager.text import rendering
from worker_manager.text.line_files import LINE_LIMIT, last_part, skip_line

TEXT_LIMIT = 300
LATEST_BYTES = 50_000
TEXTS_LIMIT = 5
#: What tells most of a tool's input, best first.
_TELLING = ("command", "file_path", "path", "pattern", "url", "query", "summary", "question")


def entries(path: str, offset: int) -> Iterator[Entry]:
    """The whole lines from an offset on, one for each that is asked for. Raises OSError."""
    at = ""
    with open(path, "rb") as file:
        file.seek(offset)
        while (line := file.readline(LINE_LIMIT)).endswith(b"\n") or len(line) == LINE_LIMIT:
            texts: tuple[str, ...]
            if line.endswith(b"\n"):
                said_at, texts = _understood(line)
                at = said_at or at
            elif skip_line(file):
                texts = (f"(a line of {file.tell() - offset:,} bytes)",)
            else:
                return
            offset = file.tell()
            yield Entry(at, texts, offset)


def latest(path: str) -> str:
    """What was said or called last; empty when there is nothing to tell."""
    try:
        texts = [one.texts for one in entries(path, last_part(path, LATEST_BYTES)) if one.texts]
    except OSError:
        return ""
    return texts[-1][-1] if texts else ""


def _understood(line: bytes) -> tuple[str, tuple[str, ...]]:
    """When it was, and what is told of it. What we don't know has nothing to tell."""
    try:
        record = json.loads(line)
    except ValueError:
        return "", ()
    if not isinstance(record, dict):
        return "", ()
    texts = _texts(record)
    if len(texts) > TEXTS_LIMIT:
        texts = [*texts[:TEXTS_LIMIT], f"and {len(texts) - TEXTS_LIMIT} more"]
    at = record.get("timestamp")
    return at[:30] if isinstance(at, str) else "", tuple(texts)


def _texts(record: dict[str, Any]) -> list[str]:
    kind = record.get("type")
    if kind == "system" and record.get("level") == "error":
        return [f"error: {_short(record.get('content'))}"]
    if kind not in ("assistant", "user"):
        return []
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    said = "told" if kind == "user" else "error" if record.get("isApiErrorMessage") else "says"
    return [text for block in blocks if isinstance(block, dict) and (text := _text(block, said))]


def _text(block: dict[str, Any], said: str) -> str:
    kind = block.get("type")
    if kind == "text":
        text = _short(block.get("text"))
        return f"{said}: {text}" if text else ""
    if kind == "tool_use":
        # Of an MCP tool's name the last part is the tool's own.
        name = _short(block.get("name")).rpartition("__")[2]
        return f"{name}: {_short(_telling(block.get('input')))}"
    if kind == "tool_result" and block.get("is_error"):
        return f"error: {_short(block.get('content'))}"
    return ""


def _telling(given: object) -> object:
    if not isinstance(given, dict):
        return given
    found = (given[key] for key in _TELLING if isinstance(given.get(key), str))
    return next(found, given)


def _short(value: object) -> str:
    """On one line, without tricks, cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = rendering.one_line(text[: 4 * TEXT_LIMIT])
    return line if len(line) <= TEXT_LIMIT else f"{line[:TEXT_LIMIT]}..."
