"""A scripted stand-in for the Anthropic Messages API, for tests with the real Claude Code.

A test names the sessions it expects, scripts what "the model" says in each of them, and then
waits for requests. Only requests of a session's main conversation count: titles, suggestions,
compaction and the like are answered with plain text and kept apart in `MessagesApi.side_requests`.

    api.name_session("boss", first_prompt="^W1")
    api.on("boss", "^W1", call("Bash", command="ls"))
    request = api.wait_for_request("boss", "README")   # the tool's result has reached the model
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, ClassVar, Self, TypeAlias
from urllib.parse import urlsplit

Json: TypeAlias = dict[str, Any]

SESSION_HEADER = "x-claude-code-session-id"
AGENT_HEADER = "x-claude-code-agent-id"
MARKERS_OF_SIDE_QUERIES = (
    "CRITICAL: Respond with TEXT ONLY",  # compaction
    "[SUGGESTION MODE",  # what the user might type next
)
#: The name under which subagents are scripted; their requests are side requests.
SUBAGENT = "subagent"
DEFERRED = "deferred tools are now available via ToolSearch"
STOPPED = "Stop hook feedback:\n"
SIDE_REPLY = (
    "<analysis>ok</analysis>\n<summary>ok</summary>"  # compaction asks again without the tags
)
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


# What the model says


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


# What Claude Code asks


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


Condition: TypeAlias = str | Callable[[Request], bool]
Script: TypeAlias = Answer | Callable[[Request], Answer]


@dataclass
class Rule:
    """When a request fits the condition, give this answer; only once, unless `repeat`."""

    condition: Condition
    answer: Script
    repeat: bool = False
    used: int = 0

    def fits(self, request: Request) -> bool:
        """Whether this rule answers the request; a regex is tried on each of its latest texts."""
        if self.used and not self.repeat:
            return False
        if isinstance(self.condition, str):
            return any(re.search(self.condition, text) for text in request.latest)
        return self.condition(request)


@dataclass(frozen=True)
class SessionName:
    """How a session is recognised at its first request."""

    name: str
    first_prompt: str | None
    system: str | None

    def fits(self, request: Request) -> bool:
        """Whether the request opens a session of this name."""
        if self.system is not None and not re.search(self.system, request.system):
            return False
        if self.first_prompt is None:
            return True
        return any(re.search(self.first_prompt, prompt) for prompt in request.prompts)


class MessagesApi:
    """The server, its script and its record. Use it as a context manager.

    Wherever a method takes a session, it is a name given by `name_session` or a session id.
    """

    def __init__(self) -> None:
        """Take a free port of the loopback interface."""
        self.side_requests: list[Request] = []
        self.problems: list[BaseException] = []
        self._requests: list[Request] = []
        self._names: list[SessionName] = []
        self._name_of: dict[str, str] = {}
        self._rules: defaultdict[str, list[Rule]] = defaultdict(list)
        self._numbers = count(1)
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        """The value of ANTHROPIC_BASE_URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    # The script

    def name_session(
        self, name: str, *, first_prompt: str | None = None, system: str | None = None
    ) -> None:
        """Call the sessions so whose first request fits both regular expressions."""
        self._names.append(SessionName(name, first_prompt, system))

    def name_session_id(self, name: str, session_id: str) -> None:
        """Call this session so, whatever its first request says (for example after /clear)."""
        with self._changed:
            self._name_of[session_id] = name

    def on(
        self, session: str, condition: Condition, answer: Script, *, repeat: bool = False
    ) -> None:
        """Add a rule: the first that fits a request answers it. Without any, the answer is "ok".

        A regular expression is tried on each text after the model's last answer, one by one, so
        `^` keeps it from matching inside a reminder. An answer may be a function of the request.
        """
        with self._changed:
            self._rules[session].append(Rule(condition, answer, repeat))

    def unused_rules(self, session: str) -> list[Rule]:
        """The rules of a session that answered nothing so far."""
        with self._changed:
            return [rule for rule in self._rules[session] if not rule.used]

    # The record

    def requests(self, session: str | None = None) -> list[Request]:
        """The main requests of one session, or of all, in the order of their arrival."""
        with self._changed:
            return [request for request in self._requests if self._belongs(request, session)]

    def session_ids(self, session: str) -> list[str]:
        """The ids a session had, oldest first."""
        return list(dict.fromkeys(request.session_id for request in self.requests(session)))

    def requests_with_new(self, session: str | None, condition: Condition) -> list[Request]:
        """The requests in which something was new to the model; its length is a count."""
        return [r for r in self.requests(session) if _has_new(r, condition)]

    def times_told(self, session: str | None, pattern: str) -> int:
        """How often a text was new to the model, counted also twice within one request."""
        texts = (request.new_text for request in self.requests(session))
        return sum(len(re.findall(pattern, text, re.MULTILINE)) for text in texts)

    def wait_for_request(
        self,
        session: str | None,
        condition: Condition = "",
        seconds: float = 30.0,
        *,
        after: Request | None = None,
    ) -> Request:
        """Wait for a request (of those later than `after`) whose new text fits."""
        deadline = time.monotonic() + seconds
        first = after.number if after else 0
        with self._changed:
            while True:
                self._raise_problem()
                for request in self.requests_with_new(session, condition):
                    if request.number > first:
                        return request
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(self._nothing_came(session, condition, seconds))

    def describe(self, last: int = 4) -> str:
        """The last few requests of each session and its unused rules, in short."""
        sessions = dict.fromkeys(self._name(request) for request in self.requests())
        lines = [f"{len(self.side_requests)} side queries"]
        for session in dict.fromkeys([*sessions, *self._rules]):
            requests = self.requests(session)
            lines.append(f"{session}: {len(requests)} requests {self.session_ids(session)}")
            lines += [f"  {request}" for request in requests[-last:]]
            lines += [f"  unused rule: {rule.condition!r}" for rule in self.unused_rules(session)]
        return "\n".join(lines)

    # Answering

    def answer(self, headers: Mapping[str, str], body: Json) -> Answer:
        """Record a request and find what the script says to it."""
        with self._changed:
            request = self._request(headers, body)
            if is_side_query(request):
                self.side_requests.append(request)
                names, otherwise = (SUBAGENT,) if is_subagent(request) else (), say(SIDE_REPLY)
            else:
                self._requests.append(request)
                self._give_name(request)
                self._changed.notify_all()
                names, otherwise = (self._name(request), request.session_id), OK
            try:
                return self._scripted(request, names) or otherwise
            except Exception as error:  # noqa: BLE001  (a test's own code: the test shall see it)
                self.problems.append(error)
                return Failure(400, f"the script of the test failed: {error!r}")

    def hold(self, answer: Answer) -> None:
        """Wait as long as the answer wants, but not beyond the end of the server."""
        self._closed.wait(answer.delay)
        if isinstance(answer, Reply) and answer.until is not None:
            while not (self._closed.is_set() or answer.until.wait(0.05)):
                pass

    def _request(self, headers: Mapping[str, str], body: Json) -> Request:
        session_id = headers.get(SESSION_HEADER) or _session_in_metadata(body)
        earlier = (r for r in reversed(self._requests) if r.session_id == session_id)
        previous = next(earlier, None)
        return Request(next(self._numbers), session_id, time.time(), headers, body, previous)

    def _give_name(self, request: Request) -> None:
        if request.session_id not in self._name_of:
            names = (known.name for known in self._names if known.fits(request))
            self._name_of[request.session_id] = next(names, request.session_id)

    def _scripted(self, request: Request, names: Iterable[str]) -> Answer | None:
        for session in dict.fromkeys(names):
            for rule in self._rules.get(session, ()):
                if rule.fits(request):
                    rule.used += 1
                    return rule.answer(request) if callable(rule.answer) else rule.answer
        return None

    def _name(self, request: Request) -> str:
        return self._name_of.get(request.session_id, request.session_id)

    def _belongs(self, request: Request, session: str | None) -> bool:
        return session in (None, request.session_id, self._name(request))

    def _raise_problem(self) -> None:
        if self.problems:
            raise AssertionError("the script of the test failed") from self.problems[0]

    def _nothing_came(self, session: str | None, condition: Condition, seconds: float) -> str:
        return (
            f"no request of {session or 'any session'} with new text {condition!r}"
            f" within {seconds:g} s.\n{self.describe()}"
        )


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


def _session_in_metadata(body: Json) -> str:
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


def _has_new(request: Request, condition: Condition) -> bool:
    if isinstance(condition, str):
        return re.search(condition, request.new_text, re.MULTILINE) is not None
    return condition(request)


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


# The wire


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: MessagesApi) -> None:
        self.api = api
        self.ids = count(1)
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error: Claude Code drops a request on Esc."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    plain: ClassVar[dict[str, Json]] = {"/v1/messages/count_tokens": {"input_tokens": 100}}

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = urlsplit(self.path).path
        if path != "/v1/messages":
            self._send_json(200, self.plain.get(path, {}))
            return
        body: Json = json.loads(data)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.api.answer(headers, body)
        self.server.api.hold(answer)
        if isinstance(answer, Failure):
            self._send_failure(answer)
        elif body.get("stream"):
            self._send("text/event-stream", b"".join(map(_event, self._events(answer, body))))
        else:
            self._send_json(200, self._message(answer, body))

    def do_GET(self) -> None:
        self._send_json(200, {})

    do_HEAD = do_GET  # noqa: N815  (the library's way to name methods)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def _send_failure(self, failure: Failure) -> None:
        kind = ERROR_TYPES.get(failure.status, "api_error")
        error = {"type": "error", "error": {"type": kind, "message": failure.message}}
        self._send_json(failure.status, error, failure.headers)

    def _send_json(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        self._send("application/json", json.dumps(body).encode(), status, headers or {})

    def _send(
        self, kind: str, data: bytes, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        all_headers = {"content-type": kind, "content-length": str(len(data)), **(headers or {})}
        for name, value in all_headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _message(self, reply: Reply, body: Json) -> Json:
        calls_tool = any(isinstance(block, ToolCall) for block in reply.blocks)
        return {
            "id": f"msg_{next(self.server.ids):06}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "scripted"),
            "content": [self._block(block) for block in reply.blocks],
            "stop_reason": "tool_use" if calls_tool else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 100, "output_tokens": 10},
        }

    def _block(self, block: str | ToolCall) -> Json:
        if isinstance(block, str):
            return {"type": "text", "text": block}
        tool_use_id = f"toolu_{next(self.server.ids):06}"
        return {"type": "tool_use", "id": tool_use_id, "name": block.name, "input": block.input}

    def _events(self, reply: Reply, body: Json) -> Iterable[Json]:
        message = self._message(reply, body)
        blocks, stop = message["content"], message["stop_reason"]
        start = {**message, "content": [], "stop_reason": None}
        yield {"type": "message_start", "message": start}
        for index, block in enumerate(blocks):
            empty, delta = _opening_and_delta(block)
            yield {"type": "content_block_start", "index": index, "content_block": empty}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        ending = {"stop_reason": stop, "stop_sequence": None}
        yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 10}}
        yield {"type": "message_stop"}


def _opening_and_delta(block: Json) -> tuple[Json, Json]:
    if block["type"] == "text":
        return {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return {**block, "input": {}}, delta


def _event(event: Json) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
