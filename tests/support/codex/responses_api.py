"""A scripted model behind the Responses API, for the real Codex.

    with ResponsesApi() as api:
        api.on("MARKER", run(tool("complete", summary="done")))

A request is answered by the first rule whose text stands in what is new in it: the prompt, or the
results of the calls of the answer before. What no rule is for ends its turn.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self, TypeAlias

from tests.support.waiting import WAIT_SECONDS, wait_until

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Say:
    """The model says a text and ends its turn, once `until` is set."""

    text: str
    until: threading.Event | None = None


@dataclass(frozen=True)
class Run:
    """The model runs JavaScript in its tool `exec`."""

    script: str


@dataclass(frozen=True)
class Failure:
    """An HTTP error instead of an answer."""

    status: int
    error: Mapping[str, Any] = field(default_factory=dict)


Answer: TypeAlias = Say | Run | Failure
#: As OpenAI says that an account is used up.
USAGE_LIMIT = Failure(
    429,
    {
        "type": "usage_limit_reached",
        "message": "The usage limit has been reached",
        "plan_type": "plus",
        "resets_at": 4_000_000_000,
    },
)


def shell(command: str, **options: object) -> Run:
    """The model runs a command."""
    given = json.dumps({"cmd": command, **options})
    return Run(f"const r = await tools.exec_command({given}); text(r);")


def tool(name: str, **arguments: object) -> Run:
    """The model calls a tool of our server."""
    return Run(f"const r = await tools.mcp__crew__{name}({json.dumps(arguments)}); text(r);")


def read_what_is_named(request: Request) -> Run:
    """The model reads the files that stand in quotation marks in what is new."""
    files = re.findall(r'"(/[^"]+)"', request.new_text)
    return shell("cat " + " ".join(f"'{file}'" for file in files))


@dataclass(frozen=True)
class Request:
    """One request of Codex to its model."""

    body: Json

    @property
    def new_items(self) -> list[Json]:
        """What came since the model last said something."""
        new: list[Json] = []
        for item in reversed(self.body.get("input") or []):
            made = item.get("type") in ("custom_tool_call", "function_call", "reasoning")
            if made or item.get("role") == "assistant":
                break
            new.insert(0, item)
        return new

    @property
    def new_text(self) -> str:
        """The prompts and results among them, without what Codex itself puts there."""
        return "\n".join(text for item in self.new_items if (text := _said(item)))

    @property
    def all_text(self) -> str:
        """The whole conversation, with what hooks have said."""
        return "\n".join(
            _text(one.get("content")) + _text(one.get("output"))
            for one in self.body.get("input") or []
        )

    @property
    def developer_text(self) -> str:
        """All instructions that came with the request."""
        items = self.body.get("input") or []
        return "\n".join(
            _text(one.get("content")) for one in items if one.get("role") == "developer"
        )

    @property
    def is_aside(self) -> bool:
        """Whether it is the one for a title: it offers no tools."""
        items = self.body.get("input") or []
        return not self.body.get("tools") and not any(
            item.get("type") == "additional_tools" for item in items
        )


Reply: TypeAlias = Answer | Callable[[Request], Answer]


class ResponsesApi:
    """The server on a free port of the loopback interface, and what was asked of it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.problems: list[str] = []
        self._rules: list[tuple[str, Reply, float]] = []
        self._lock = threading.Lock()
        self._server = _Server(self._answer)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """What Codex takes as `base_url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def on(self, text: str, reply: Reply, *, times: float = float("inf")) -> None:
        """Has the model answer so where this text is new; the newest rule goes first."""
        with self._lock:
            self._rules.insert(0, (text, reply, times))

    def wait_for(self, text: str, seconds: float = WAIT_SECONDS) -> Request:
        """The first request in which this text is new."""
        return wait_until(
            lambda: next((one for one in self.requests if text in one.new_text), None),
            seconds,
            lambda: f"no request with {text!r}:\n{self.describe()}",
        )

    def times_told(self, text: str) -> int:
        """In how many requests this text is new."""
        return sum(text in one.new_text for one in self.requests)

    def describe(self) -> str:
        """What was new in each request."""
        return "\n---\n".join(one.new_text[-600:] for one in self.requests)

    def _answer(self, body: Json) -> Answer:
        request = Request(body)
        if request.is_aside:
            return Say("a title")
        with self._lock:
            self.requests.append(request)
            reply = self._reply_to(request)
        try:
            return reply(request) if callable(reply) else reply
        except Exception as error:  # noqa: BLE001  the test says it
            self.problems.append(repr(error))
            return Say("the script failed")

    def _reply_to(self, request: Request) -> Reply:
        for number, (text, reply, left) in enumerate(self._rules):
            if left > 0 and text in request.new_text:
                self._rules[number] = (text, reply, left - 1)
                return reply
        return Say("ok")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, respond: Callable[[Json], Answer]) -> None:
        self.respond = respond
        self.ids = count(1)
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error: Codex drops a request on Esc."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(200, "application/json", b'{"object": "list", "data": [], "models": []}')

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        if not self.path.partition("?")[0].endswith("/responses"):
            self._send(404, "application/json", b"{}")
            return
        body: Json = json.loads(data)
        answer = self.server.respond(body)
        if isinstance(answer, Failure):
            error = {"error": dict(answer.error) or {"message": "scripted failure"}}
            self._send(answer.status, "application/json", json.dumps(error).encode())
            return
        if isinstance(answer, Say) and answer.until is not None:
            answer.until.wait(WAIT_SECONDS)
        events = b"".join(map(_event, self._events(answer, body)))
        self._send(200, "text/event-stream", events)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def _send(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _events(self, answer: Say | Run, body: Json) -> list[Json]:
        number = next(self.server.ids)
        item = _item(answer, number)
        response = {
            "id": f"resp_{number:06}",
            "object": "response",
            "model": body.get("model"),
            "status": "completed",
            "output": [item],
            "usage": {
                "input_tokens": 1000,
                "input_tokens_details": {"cached_tokens": 400},
                "output_tokens": 50,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 1050,
            },
        }
        return [
            {"type": "response.created", "response": {**response, "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": response},
        ]


def _item(answer: Say | Run, number: int) -> Json:
    if isinstance(answer, Say):
        return {
            "type": "message",
            "id": f"msg_{number:06}",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": answer.text, "annotations": []}],
        }
    return {
        "type": "custom_tool_call",
        "id": f"ctc_{number:06}",
        "call_id": f"call_{number:06}",
        "status": "completed",
        "name": "exec",
        "namespace": "functions",
        "input": answer.script,
    }


def _event(event: Json) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _said(item: Json) -> str:
    if str(item.get("type", "")).endswith("_output"):
        return _text(item.get("output"))
    text = _text(item.get("content")) if item.get("role") == "user" else ""
    return "" if text.startswith("<") else text


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(one.get("text", "")) for one in parts if isinstance(one, dict))
