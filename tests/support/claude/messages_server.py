"""The scripted model's answers on the wire: HTTP, JSON, server-sent events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, ClassVar, TypeAlias
from urllib.parse import urlsplit

from tests.support.claude.replies import Answer, Failure, Json, Reply, ToolCall

Respond: TypeAlias = Callable[[Mapping[str, str], Json], Answer]

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class MessagesServer(ThreadingHTTPServer):
    """Serves what `respond` answers to the headers and the body of a request."""

    daemon_threads = True

    def __init__(self, respond: Respond) -> None:
        """Take a free port of the loopback interface."""
        self.respond = respond
        self.ids = count(1)
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error: Claude Code drops a request on Esc."""


class _Handler(BaseHTTPRequestHandler):
    server: MessagesServer
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
        answer = self.server.respond(headers, body)
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
