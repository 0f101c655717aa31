"""The beginning of a conversation, answered from what the SDK itself said when it was recorded.

The SDK takes 0.7 s and 50 MB to load, and most sessions never call a tool. So a session is told
what tools there are from `handshakes/`; its first call loads the SDK, which hears the beginning
once more. `python -m tests.support.scripted.handshakes` records; a test compares the record with
the SDK.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worker_manager.errors import WorkerManagerError
from worker_manager.servers import refusals
from worker_manager.servers.wire import NOTHING, Kept, Wire

#: Serves a session from the middle of its conversation until its end.
GoOn = Callable[[Wire], None]
RECORDS = Path(__file__).parent / "handshakes"
#: With it newer clients (Claude Code 2.1.329) ask for a way to talk that has no handshake; they are
#: told that there is none, and then begin with one, as all others.
DISCOVER = "server/discover"
_OPENING = ("initialize", "notifications/initialized")


def serve(
    role: str,
    load: Callable[[], GoOn],
    *,
    after_listing: Callable[[], None],
    kept: Kept = NOTHING,
) -> None:
    """Speaks MCP until stdin closes, at first by itself. `load` gives what goes on from the first
    message that the record has no answer to; when it raises a WorkerManagerError, that is the
    answer, and the next message tries again. `after_listing` is called when the session has its
    tools, and once more before it uses the first; it must not raise.
    """
    record = json.loads((RECORDS / f"{role}.json").read_text("utf-8"))
    wire, opening = Wire(kept), list[str]()
    while line := wire.readline():
        message = refusals.read(line)
        if not message:
            continue  # nobody knows whom to answer
        method, answer = message.get("method", ""), _answer(message, record)
        if answer is None:
            go_on, why = _loaded(load)
            if go_on is not None:
                after_listing()
                wire.rewind([*opening, line], said=min(1, len(opening)))
                return go_on(wire)
            answer = refusals.refusal(message, why, refusals.INTERNAL_ERROR)
        elif method in _OPENING and "error" not in answer:
            opening.append(line)
        if answer:
            wire.send(answer)
        if method == "tools/list":
            after_listing()
    return None


def _loaded(load: Callable[[], GoOn]) -> tuple[GoOn | None, str]:
    try:
        return load(), ""
    except WorkerManagerError as error:
        return None, str(error)


def _answer(message: dict[str, Any], record: dict[str, Any]) -> dict[str, Any] | None:
    """What to say; empty for nothing, None when the SDK must say it."""
    if fault := refusals.fault_of(message):
        return refusals.refusal(message, fault)
    said = _recorded(message, record)
    if said is None:
        return None
    return {"jsonrpc": "2.0", "id": message["id"], **said} if said and "id" in message else {}


def _recorded(message: dict[str, Any], record: dict[str, Any]) -> dict[str, Any] | None:
    """The same, besides the id."""
    method = str(message.get("method", ""))
    asked = message.get("params") or {}
    if method.startswith("notifications/"):
        return {}
    if not isinstance(asked, dict):
        return None
    if method == DISCOVER:
        return {"error": {"code": -32601, "message": "Method not found"}}
    if method == "ping":
        return {"result": {}}
    if method == "initialize" and asked.get("protocolVersion") in record["versions"]:
        return {"result": record["initialize"] | {"protocolVersion": asked["protocolVersion"]}}
    # A request that brings its own version along is one of a conversation without a handshake.
    if method in record["lists"] and not {"cursor", "_meta"} & set(asked):
        return {"result": record["lists"][method]}
    return None
