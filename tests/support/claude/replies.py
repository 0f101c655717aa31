"""What the scripted model says: texts, tool calls, failures."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """One tool_use block."""

    name: str
    input: Json


@dataclass(frozen=True)
class Reply:
    """An answer of the model: its blocks in order; a `str` is a text block.

    It starts after `delay` seconds and, when `until` is given, not before that event is set.
    """

    blocks: tuple[str | ToolCall, ...]
    delay: float = 0.0
    until: threading.Event | None = None


@dataclass(frozen=True)
class Failure:
    """An HTTP error instead of an answer."""

    status: int
    message: str = "scripted failure"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


Answer: TypeAlias = Reply | Failure


def say(text: str, *, delay: float = 0.0, until: threading.Event | None = None) -> Reply:
    """The model says a text and ends its turn."""
    return Reply((text,), delay, until)


def call(name: str, /, **arguments: Any) -> Reply:
    """The model calls one tool."""
    return Reply((ToolCall(name, arguments),))


def several(*blocks: str | ToolCall, delay: float = 0.0) -> Reply:
    """The model says several things in one answer: texts and tool calls, in this order."""
    return Reply(blocks, delay)


OK = say("ok")
