"""What is said to a message that can't be taken. The SDK's own server drops such a line, and
whoever sent it waits for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
_HALVES = range(0xD800, 0xE000)

Message = dict[str, Any]


def examined(line: str) -> tuple[Message, Message]:
    """The message, and the refusal of one that can't be taken; both empty for what is no message,
    and names nobody to answer.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = _read(line)
        why = f"This message can't be read: {error}."
        return {}, refusal(message, fault_of(message) or why, PARSE_ERROR)
    if isinstance(message, list):
        none = {"code": INVALID_REQUEST, "message": "No batches."}
        return {}, {"jsonrpc": "2.0", "id": None, "error": none}
    if not isinstance(message, dict):
        return {}, {}
    if fault := fault_of(message) or _misshape(message):
        return {}, refusal(message, fault)
    return message, {}


def failed(text: str) -> Message:
    """The result of a call of a tool that came to nothing: a model reads it."""
    return {"result": {"content": [{"type": "text", "text": text}], "isError": True}}


def _read(line: str) -> Message:
    """Read as leniently as can be."""
    try:
        message = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _misshape(message: Message) -> str:
    """Why it is no message of JSON-RPC; empty for one."""
    if message.get("jsonrpc") != "2.0":
        return 'This message says no "jsonrpc": "2.0".'
    if not isinstance(message.get("method", ""), str):
        return "The method of this message is no text."
    if not isinstance(message.get("params"), dict | None):
        return "The params of this message are no object."
    return "" if "method" in message or {"result", "error"} & set(message) else "It has no method."


def fault_of(message: Message) -> str:
    """What is wrong with its texts; empty for nothing."""
    for place, text in _texts(message):
        half = next((character for character in text if ord(character) in _HALVES), "")
        if half:
            return (
                f"{_named(place)} holds half a character (\\u{ord(half):04x}) where "
                f"{text.index(half):,} others have been. Write that character whole, or leave it "
                "out, and call again."
            )
    return ""


def refusal(message: Message, why: str, code: int = INVALID_REQUEST) -> Message:
    """The answer to a message; empty where none is expected. What a tool says a model reads."""
    if not names_sender(message):
        return {}
    is_call = message.get("method") == "tools/call"
    answer = failed(why) if is_call else {"error": {"code": code, "message": why}}
    return {"jsonrpc": "2.0", "id": message["id"], **answer}


def names_sender(message: Message) -> bool:
    """Whether it is a request: somebody waits for its answer."""
    number = message.get("id")
    return isinstance(number, int | str) and not isinstance(number, bool)


def _texts(message: Message) -> Iterator[tuple[str, str]]:
    """Each text with the names that lead to it; without calls in calls, however deep it is."""
    left: list[tuple[str, object]] = [("", message)]
    while left:
        place, value = left.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, dict):
            yield from ((place, name) for name in value)
            left += [(f"{place}.{name}", one) for name, one in value.items()]
        elif isinstance(value, list):
            left += [(place, one) for one in value]


def _named(place: str) -> str:
    """As whoever called knows it."""
    name = place.removeprefix(".params.arguments").strip(".")
    return f"The argument {name!r}" if place.startswith(".params.arguments.") else "The message"
