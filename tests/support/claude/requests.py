"""What Claude Code asks the model: its requests, and what is new in them."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.support.claude.replies import Json

SESSION_HEADER = "x-claude-code-session-id"
AGENT_HEADER = "x-claude-code-agent-id"
MARKERS_OF_SIDE_QUERIES = (
    "CRITICAL: Respond with TEXT ONLY",  # compaction
    "[SUGGESTION MODE",  # what the user might type next
)
DEFERRED = "deferred tools are now available via ToolSearch"
STOPPED = "Stop hook feedback:\n"


@dataclass(frozen=True)
class Request:
    """One request of a session's main conversation."""

    number: int
    session_id: str
    arrived: float
    headers: Mapping[str, str]
    body: Json
    previous: Request | None = field(default=None, repr=False, compare=False)

    @property
    def messages(self) -> list[Json]:
        """The conversation so far."""
        return list(self.body.get("messages", []))

    @property
    def system(self) -> str:
        """The system prompt."""
        return "\n".join(_texts(self.body.get("system", [])))

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools the model can call: it has their full schema."""
        loaded = set(self._referenced_tools())
        tools = self.body.get("tools", [])
        return tuple(t["name"] for t in tools if not t.get("defer_loading") or t["name"] in loaded)

    @property
    def announced_tools(self) -> tuple[str, ...]:
        """The tools the model knows by name only: it must load them by a tool search first."""
        lists = (text.partition(DEFERRED)[2] for text in self._told() if DEFERRED in text)
        names = [name for listed in lists for name in _names_below(listed)]
        return tuple(name for name in dict.fromkeys(names) if name not in self.tools)

    @property
    def prompts(self) -> tuple[str, ...]:
        """What the user said: the text blocks of user messages, without reminders of the system."""
        return tuple(
            text
            for message in self.messages
            if message["role"] == "user"
            for text in _texts(message["content"], results=False)
            if not text.startswith("<system-reminder>")
        )

    @property
    def latest(self) -> tuple[str, ...]:
        """Each text after the model's last answer: prompts, tool results, reminders."""
        latest: list[str] = []
        for message in self.messages:
            if message["role"] == "assistant":
                latest.clear()
            else:
                latest.extend(_texts(message["content"]))
        return tuple(latest)

    @property
    def all_text(self) -> str:
        """Everything the model was told, from the first message on.

        Claude Code says the reason of a Stop hook twice; here it stands once.
        """
        return "\n".join(self._told())

    @property
    def new_text(self) -> str:
        """What the model was told here and not yet in the session's previous request."""
        before = Counter(self.previous._told()) if self.previous else Counter[str]()
        told = self._told()
        changed = _surplus(told, before)
        vanished = before - Counter(told)
        # A text may be wrapped differently the second time: then only its new lines are new.
        known_lines = Counter(line for text in vanished.elements() for line in text.splitlines())
        return "\n".join(
            _surplus([line for text in changed for line in text.splitlines()], known_lines)
        )

    def __str__(self) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(self.arrived))
        return f"#{self.number} {clock} {_shorten(self.new_text or '(nothing new)')}"

    def _told(self) -> list[str]:
        told = [message for message in self.messages if message["role"] != "assistant"]
        texts = [text for message in told for text in _texts(message["content"])]
        return _without_echoes(texts)

    def _referenced_tools(self) -> Iterator[str]:
        for block in _blocks(self.messages):
            if block.get("type") == "tool_addition":
                yield block["tool"]["name"]
            elif block.get("type") == "tool_result":
                references = _blocks([block])
                yield from (r["tool_name"] for r in references if r.get("type") == "tool_reference")


def is_side_query(request: Request) -> bool:
    """Whether the request is no step of the main conversation: a title, a probe, a subagent."""
    body = request.body
    if is_subagent(request) or not body.get("tools") or "format" in body.get("output_config", {}):
        return True
    latest = request.latest
    return bool(latest) and any(latest[-1].startswith(mark) for mark in MARKERS_OF_SIDE_QUERIES)


def is_subagent(request: Request) -> bool:
    """Whether it is a step of a subagent's conversation."""
    return AGENT_HEADER in request.headers or "cc_is_subagent" in request.system


def session_of(headers: Mapping[str, str], body: Json) -> str:
    """The id of the session that asks, named in a header or in the body."""
    if named := headers.get(SESSION_HEADER):
        return named
    user_id = str(body.get("metadata", {}).get("user_id", ""))
    found = re.search(r'session_id":\s*"([^"]+)"|_session_([0-9a-f-]+)$', user_id)
    return (found[1] or found[2]) if found else "unknown"


def _texts(content: str | list[Json], *, results: bool = True) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    for block in content:
        if block.get("type") == "text":
            yield block["text"]
        elif block.get("type") == "tool_result" and results:
            yield from _texts(block.get("content") or [])


def _blocks(messages: Iterable[Json]) -> Iterator[Json]:
    for message in messages:
        if isinstance(message.get("content"), list):
            yield from message["content"]


def _names_below(listed: str) -> Iterator[str]:
    for line in listed.splitlines()[1:]:
        if not line or " " in line:
            return
        yield line


def _without_echoes(texts: list[str]) -> list[str]:
    """Leave out what repeats a Stop hook's reason: "Stop hook blocking error from ...: reason"."""
    reasons = [text.removeprefix(STOPPED).strip() for text in texts if text.startswith(STOPPED)]
    for reason in set(reasons):
        echo = re.compile(rf"Stop hook blocking error from command.*: {re.escape(reason)}")
        texts = [text if text.startswith(STOPPED) else echo.sub("", text) for text in texts]
    return [text for text in texts if text]


def _surplus(items: list[str], known: Counter[str]) -> list[str]:
    """The items beyond the known number of each; the latest ones, in their order."""
    spare = Counter(items) - known
    surplus: list[str] = []
    for item in reversed(items):
        if spare[item] > 0:
            spare[item] -= 1
            surplus.append(item)
    return surplus[::-1]


def _shorten(text: str, limit: int = 300) -> str:
    flat = " | ".join(line.strip() for line in text.splitlines() if line.strip())
    return flat if len(flat) <= limit else f"{flat[: limit // 2]} ... {flat[-limit // 2 :]}"
