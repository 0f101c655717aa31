"""All that a session is told before it calls a tool, as the SDK itself said it when it was
recorded. `python -m tests.support.scripted.handshakes` records; a test compares with the SDK.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from worker_manager.errors import InvalidInput
from worker_manager.servers.arguments import checked

RECORDS = Path(__file__).parent / "handshakes"
#: With it newer clients (Claude Code 2.1.329) ask for a way to talk that has no handshake; they are
#: told that there is none, and then begin with one, as all others.
DISCOVER = "server/discover"
#: A request that brings it along is one of a conversation without a handshake.
_VERSION = "io.modelcontextprotocol/protocolVersion"
_METHOD_NOT_FOUND, _INVALID_PARAMS, _UNSUPPORTED_VERSION = -32601, -32602, -32022
#: Of what we have none: the parameter that names it.
_NONE = {"resources/read": ("resource", "uri"), "prompts/get": ("prompt", "name")}
_ECHOED = 200

Said = dict[str, Any]


class Client(NamedTuple):
    """Who calls, as it introduced itself."""

    name: str
    version: str


class Handshake:
    """Of one conversation. `client` is who has begun it, None before."""

    def __init__(self, role: str) -> None:
        self._record: Said = json.loads((RECORDS / f"{role}.json").read_text("utf-8"))
        listed = self._record["lists"]["tools/list"]["tools"]
        self._schemas: dict[str, Said] = {one["name"]: one["inputSchema"] for one in listed}
        self.client: Client | None = None

    def answer(self, method: str, params: Said) -> Said | None:
        """`result` or `error` for a request; None when it may call its tool."""
        if method == DISCOVER:
            return _unknown(method)
        meta = params.get("_meta")
        if isinstance(meta, dict) and _VERSION in meta:
            return self._refuse(meta[_VERSION])
        if method == "ping":
            return {"result": {}}
        if method == "initialize":
            return self._begin(params)
        if method != "tools/call" and method not in self._record["lists"] and method not in _NONE:
            return _unknown(method)
        if self.client is None:
            return _error(_INVALID_PARAMS, f"{method} came before the conversation began.")
        return self._served(method, params)

    def arguments(self, tool: str, given: Said) -> dict[str, object]:
        """Those of a call, as its tool wants them. Raises InvalidInput."""
        if tool not in self._schemas:
            raise InvalidInput(f"Unknown tool: {tool}. There are: {', '.join(self._schemas)}.")
        try:
            return checked(self._schemas[tool], given)
        except InvalidInput as error:
            raise InvalidInput(f"Error executing tool {tool}: {error}") from error

    def _served(self, method: str, params: Said) -> Said | None:
        if method == "tools/call":
            return None if _is_call(params) else _invalid("name is a text, arguments an object")
        if method in _NONE:
            kind, name = _NONE[method]
            return _error(_INVALID_PARAMS, f"Unknown {kind}: {_echo(params.get(name))}")
        if not isinstance(params.get("cursor", ""), str | None):
            return _invalid("cursor is a text")
        return {"result": self._record["lists"][method]}

    def _begin(self, params: Said) -> Said:
        told = params.get("clientInfo")
        wanted = params.get("protocolVersion")
        if (
            not isinstance(wanted, str)
            or not isinstance(params.get("capabilities"), dict)
            or not isinstance(told, dict)
            or not all(isinstance(told.get(one), str) for one in ("name", "version"))
        ):
            return _invalid("protocolVersion, capabilities and clientInfo are needed")
        self.client = Client(told["name"], told["version"])
        known = self._record["versions"]
        version = wanted if wanted in known else known[-1]
        return {"result": self._record["initialize"] | {"protocolVersion": version}}

    def _refuse(self, version: object) -> Said:
        supported = self._record["versions"]
        error = _error(_UNSUPPORTED_VERSION, "Begin with initialize: this server has a handshake.")
        error["error"]["data"] = {"supported": supported, "requested": _echo(version)}
        return error


def _is_call(params: Said) -> bool:
    arguments = params.get("arguments")
    return isinstance(params.get("name"), str) and isinstance(arguments, dict | None)


def _echo(named: object) -> str | None:
    """A name that was given. Another value may be nested too deep to be said."""
    return named[:_ECHOED] if isinstance(named, str) else None


def _unknown(method: str) -> Said:
    return {"error": {"code": _METHOD_NOT_FOUND, "message": "Method not found", "data": method}}


def _invalid(why: str) -> Said:
    return _error(_INVALID_PARAMS, f"Invalid request parameters: {why}.")


def _error(code: int, message: str) -> Said:
    return {"error": {"code": code, "message": message}}
