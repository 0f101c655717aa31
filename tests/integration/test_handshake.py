"""The beginning of a conversation, before the SDK is loaded, and the moment when it takes over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.handshakes import ROLES, as_recorded
from worker_manager.servers.handshake import RECORDS

VERSION = "2025-06-18"


@pytest.mark.parametrize("role", ROLES)
def test_what_is_recorded_is_what_the_sdk_says(role: str) -> None:
    recorded = json.loads((RECORDS / f"{role}.json").read_text("utf-8"))

    assert recorded == as_recorded(role), "python -m tests.support.handshakes records it anew"


class Client:
    """A client of an orchestrator's server that speaks plain JSON lines."""

    def __init__(self, project: Path) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-I", "-m", "worker_manager"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "CLAUDE_CODE_SESSION_ID": str(uuid.uuid4())},
            cwd=project,
        )

    def say(self, **message: Any) -> None:
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.server.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.server.stdout is not None
        return dict(json.loads(self.server.stdout.readline()))

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer, which is the next thing said."""
        number = uuid.uuid4().hex
        self.say(id=number, method=method, params=params)
        answer = self.hear()
        assert answer["id"] == number
        return answer

    def begin(self, version: str = VERSION) -> dict[str, Any]:
        client = {"capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        begun = self.ask("initialize", protocolVersion=version, **client)
        self.say(method="notifications/initialized")
        return begun

    def end(self) -> str:
        """Closes its stdin; which modules it had imported."""
        said, told = self.server.communicate(timeout=30)
        assert said == ""
        assert self.server.returncode == 0
        return told


@pytest.fixture
def client(repository: Path) -> Iterator[Client]:
    one = Client(repository)
    yield one
    one.server.kill()
    one.server.communicate()


def test_a_session_that_calls_no_tool_never_loads_the_sdk(client: Client) -> None:
    begun = client.begin()
    assert begun["result"]["protocolVersion"] == VERSION
    assert client.ask("ping")["result"] == {}
    listed = client.ask("tools/list")

    assert "start_worker" in str(listed)
    modules = client.end()
    assert "| worker_manager" in modules
    for heavy in ("mcp", "pydantic", "anyio", "git", "libtmux"):
        assert f"| {heavy}\n" not in modules.replace("  ", "")


def test_the_first_call_loads_the_sdk_which_goes_on_without_saying_anything_twice(
    client: Client,
) -> None:
    client.begin()
    client.ask("tools/list")

    called = client.ask("tools/call", name="list_workers", arguments={})
    again = client.ask("tools/call", name="list_workers", arguments={})

    assert called["result"]["structuredContent"]["workers"] == []
    assert again["result"] == called["result"]
    assert client.ask("ping")["result"] == {}


@pytest.mark.parametrize("version", ["2026-07-28", "1999-01-01"])
def test_a_version_that_is_not_recorded_is_left_to_the_sdk(client: Client, version: str) -> None:
    assert client.begin(version)["result"]["protocolVersion"] != version
    assert "start_worker" in str(client.ask("tools/list"))


def test_what_is_no_request_is_left_to_the_sdk(client: Client) -> None:
    client.begin()

    assert client.ask("no/such/method")["error"]["code"] == -32601
    assert "start_worker" in str(client.ask("tools/list"))


def test_a_wrong_setting_is_the_answer_until_it_is_mended(client: Client, repository: Path) -> None:
    file = repository / "worker-manager.toml"
    file.write_text("nonsense = 1", "utf-8")
    client.begin()

    refused = client.ask("tools/call", name="list_workers", arguments={})["result"]
    file.unlink()
    called = client.ask("tools/call", name="list_workers", arguments={})["result"]

    assert refused["isError"]
    assert "nonsense" in refused["content"][0]["text"]
    assert not called["isError"]
