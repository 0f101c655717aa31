"""What is said to a message that can't be taken: the library drops such a line, and whoever sent it
waits for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

PARSE_ERROR, INVALID_REQUEST, INTERNAL_ERROR = -32700, -32600, -32603
_HALVES = range(0xD800, 0xE000)


def read(line: str) -> dict[str, Any]:
    """The message, read as leniently as can be; empty when it is none."""
    try:
        message = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def fault_of(message: dict[str, Any]) -> str:
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


def refusal(message: dict[str, Any], why: str, code: int = INVALID_REQUEST) -> dict[str, Any]:
    """The answer to a message; empty where none is expected. What a tool says a model reads."""
    if not isinstance(message.get("id"), int | str):
        return {}
    answer: dict[str, Any] = {"error": {"code": code, "message": why}}
    if message.get("method") == "tools/call":
        answer = {"result": {"content": [{"type": "text", "text": why}], "isError": True}}
    return {"jsonrpc": "2.0", "id": message["id"], **answer}


def _texts(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
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
