"""The beginning of a conversation, and what the first call loads."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scripted.client import VERSION, Client
from tests.support.scripted.handshakes import as_recorded
from tests.support.scripted.sdk import ROLES
from tests.support.waiting import wait_until
from worker_manager.servers.handshake import RECORDS
from worker_manager.state.layout import state_root

_PREFIX = "io.modelcontextprotocol"
MODERN = {
    f"{_PREFIX}/protocolVersion": "2026-07-28",
    f"{_PREFIX}/clientInfo": {"name": "t", "version": "1"},
    f"{_PREFIX}/clientCapabilities": {},
}

LONG = 96_000_000


@pytest.mark.parametrize("role", ROLES)
def test_what_is_recorded_is_what_the_sdk_says(role: str) -> None:
    recorded = json.loads((RECORDS / f"{role}.json").read_text("utf-8"))

    assert recorded == as_recorded(role), (
        "python -m tests.support.scripted.handshakes records it anew"
    )


@pytest.fixture
def client(repository: Path) -> Iterator[Client]:
    one = Client([sys.executable, "-I", "-m", "worker_manager"], repository)
    yield one
    one.kill()


@pytest.fixture
def telling_client(repository: Path) -> Iterator[Client]:
    """Its server tells at its end which modules it has loaded."""
    one = Client([sys.executable, "-X", "importtime", "-I", "-m", "worker_manager"], repository)
    yield one
    one.kill()


def test_a_session_that_calls_no_tool_loads_nothing_heavy(telling_client: Client) -> None:
    client = telling_client
    begun = client.begin()
    assert begun["result"]["protocolVersion"] == VERSION
    assert client.ask("ping")["result"] == {}
    listed = client.ask("tools/list")

    assert "start_worker" in str(listed)
    modules = client.end()
    assert "| worker_manager" in modules
    for heavy in ("mcp", "pydantic", "anyio", "git", "libtmux"):
        assert f"| {heavy}\n" not in modules.replace("  ", "")


def test_calls_are_answered_and_nothing_is_said_twice(
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
def test_a_version_that_is_not_known_is_answered_with_the_newest(
    client: Client, version: str
) -> None:
    assert client.begin(version)["result"]["protocolVersion"] == "2025-11-25"
    assert "start_worker" in str(client.ask("tools/list"))


def test_a_method_that_nobody_knows_is_told_so(client: Client) -> None:
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


NO_THREAD = """
    import threading
    from worker_manager.servers.toolbox import Toolbox
    def start(thread): raise RuntimeError("can't start new thread")
    threading.Thread.start = start
    return Toolbox()
"""


@pytest.mark.promise("tool-answers")
@pytest.mark.parametrize(
    ("load", "why"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        (NO_THREAD, "RuntimeError: can't start new thread"),
    ],
)
def test_what_keeps_a_call_from_its_tool_is_its_answer(
    repository: Path, load: str, why: str
) -> None:
    program = (
        "from worker_manager.servers import conversation\n"
        f"def load(heard):\n    {load.strip()}\n"
        "conversation.serve('orchestrator', load, after_listing=lambda: None)\n"
    )
    client = Client([sys.executable, "-c", program], repository)
    client.begin()
    refused = [client.ask("tools/call", name="list_workers")["result"] for _ in range(2)]

    told = {"type": "text", "text": f"Error executing tool list_workers: {why}"}
    assert refused == [{"content": [told], "isError": True}] * 2
    assert client.ask("ping")["result"] == {}
    assert why in client.end()
    client.kill()


def test_a_client_that_is_cut_off_is_the_quiet_end(repository: Path) -> None:
    """It has left an answer unread: that resets its connection."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-m", "worker_manager"]
    environ = {**os.environ, "CLAUDE_CODE_SESSION_ID": str(uuid.uuid4())}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, cwd=repository, env=environ
    ) as server:
        theirs.close()
        ours.sendall(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        select.select([ours], [], [])
        ours.close()
        _, told = server.communicate()

    assert (server.returncode, told) == (0, b"")


def test_a_client_that_asks_for_another_way_to_talk_is_told_to_shake_hands(client: Client) -> None:
    assert client.ask("server/discover", _meta=MODERN)["error"]["code"] == -32601

    assert client.begin()["result"]["protocolVersion"] == VERSION


def test_a_client_without_a_handshake_is_told_which_versions_have_one(client: Client) -> None:
    refused = client.ask("tools/list", _meta=MODERN)["error"]

    assert refused["code"] == -32022
    assert VERSION in refused["data"]["supported"]
    assert client.begin()["result"]["protocolVersion"] == VERSION


def test_lines_that_are_no_messages_load_nothing(telling_client: Client) -> None:
    client = telling_client
    assert client.server.stdin is not None
    client.server.stdin.write("\n{torn\n1\n")

    assert client.begin()["result"]["protocolVersion"] == VERSION
    assert "| mcp\n" not in client.end().replace("  ", "")


def test_parameters_of_another_shape_end_nothing(client: Client) -> None:
    client.say(id=1, method="initialize", params=["x"])
    refused = client.hear()

    assert refused["id"] == 1
    assert "no object" in refused["error"]["message"]
    assert client.begin()["result"]["protocolVersion"] == VERSION


def test_a_state_directory_that_is_lost_meanwhile_is_told_by_the_first_call(
    client: Client,
) -> None:
    client.begin()
    client.ask("tools/list")
    wait_until(lambda: list(Path(state_root()).glob("*/orchestrators/*/server")))
    shutil.rmtree(state_root())
    Path(state_root()).write_text("no directory", "utf-8")

    refused = client.ask("tools/call", name="list_workers", arguments={})["result"]

    assert refused["isError"]
    assert f"The state directory {state_root()}" in refused["content"][0]["text"]


def test_a_long_line_costs_what_its_length_costs() -> None:
    def seconds(lines: int) -> float:
        """Of the processor, for the same text in so many lines."""
        read = (
            "import time; from worker_manager.servers.wire import Wire; wire = Wire(); "
            "began = time.process_time(); length = sum(map(len, iter(wire.readline, ''))); "
            "wire.send({'length': length, 'spent': time.process_time() - began})"
        )
        text = ("x" * (LONG // lines - 1) + "\n") * lines
        command = [sys.executable, "-I", "-c", read]
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True)
        said = json.loads(done.stdout)
        assert said["length"] == LONG
        return float(said["spent"])

    assert seconds(1) < 6 * seconds(96)  # 15 times when each part of it is searched anew
