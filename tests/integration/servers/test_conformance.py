"""Our servers beside the MCP SDK: its server says what ours must say, its client understands us."""

from __future__ import annotations

import json
import os
import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import mcp_types
import pytest
from mcp import Client as SdkClient
from mcp.client.stdio import StdioServerParameters

from tests.support.scripted.client import Client
from tests.support.scripted.handshakes import VERSIONS, opening
from tests.support.scripted.rehearsed import SOON
from tests.support.scripted.sdk import conversation, listed_only, sdk_server
from tests.support.scripted.workers import HANG, recorded_worker
from tests.support.waiting import WAIT_SECONDS, wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput
from worker_manager.servers.arguments import checked
from worker_manager.servers.call import Call
from worker_manager.servers.handshake import Handshake
from worker_manager.state.layout import mailbox_path
from worker_manager.state.mail import awaited_answer
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.text.output import json_line

SERVER = [sys.executable, "-I", "-m", "worker_manager"]
#: Requests that need no worker, and none of our texts.
REQUESTS: list[dict[str, Any]] = [
    {"method": "ping"},
    {"method": "ping", "params": {"x": 1}},
    {"method": "no/such"},
    {"method": "logging/setLevel", "params": {"level": "info"}},
    {"method": "resources/subscribe", "params": {"uri": "x://y"}},
    {"method": "resources/read", "params": {"uri": "x://y"}},
    {"method": "resources/read", "params": {}},
    {"method": "tools/list", "params": {"_meta": {"progressToken": 1}}},
    {"method": "tools/list", "params": {"cursor": 5}},
    {"method": "tools/list", "params": {"cursor": None}},
    {"method": "prompts/list"},
    {"method": "resources/list"},
    {"method": "resources/templates/list"},
    {"method": "tools/call"},
    {"method": "tools/call", "params": {"arguments": {}}},
    {"method": "tools/call", "params": {"name": 5}},
    {"method": "tools/call", "params": {"name": "list_workers", "arguments": ["x"]}},
    {"method": "tools/call", "params": {"name": "no_such_tool"}},
    {"method": "tools/call", "params": {"name": "start_worker", "arguments": {"title": "t"}}},
    {"method": "tools/call", "params": {"name": "start_worker", "arguments": {"title": 5}}},
    {"method": "initialize", "params": {"protocolVersion": "2025-06-18"}},
]


@pytest.fixture
def client(repository: Path) -> Iterator[Client]:
    one = Client(SERVER, repository)
    yield one
    one.kill()


def outcome(answer: dict[str, Any]) -> object:
    """What both must say alike: of an error its code, of a refused call that it is one."""
    if "error" in answer:
        return answer["error"]["code"]
    if answer["result"].get("isError"):
        return answer["result"]["content"][0]["text"].partition(":")[0]
    return answer["result"]


def of_sdk(*requests: dict[str, Any], version: str = VERSIONS[-1]) -> list[dict[str, Any]]:
    numbered = [{"id": number, **one} for number, one in enumerate(requests, 1)]
    server = sdk_server("orchestrator", listed_only("orchestrator"))
    return conversation(server, [*opening(version), *numbered])[1:]


def of_ours(client: Client, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    return [client.ask(one["method"], **one.get("params", {})) for one in requests]


@pytest.mark.promise("tool-answers")
@pytest.mark.parametrize("version", VERSIONS)
def test_each_request_has_the_outcome_that_it_has_with_the_sdk(
    client: Client, version: str
) -> None:
    assert client.begin(version)["result"]["protocolVersion"] == version
    theirs = [outcome(one) for one in of_sdk(*REQUESTS, version=version)]
    ours = [outcome(one) for one in of_ours(client, *REQUESTS)]

    assert dict(enumerate(ours)) == dict(enumerate(theirs))


def test_before_the_conversation_has_begun_nothing_is_served(client: Client) -> None:
    for method in ("tools/list", "prompts/list"):
        assert client.ask(method)["error"]["code"] == -32602
    assert client.ask("tools/call", name="list_workers")["error"]["code"] == -32602
    assert client.ask("ping")["result"] == {}


#: A tool and its arguments, which both take, or refuse.
ARGUMENTS: list[tuple[str, dict[str, object]]] = [
    ("start_worker", {"title": "t", "task": "x", "invented": 1}),
    *(
        ("start_worker", {"title": "t", "task": "x", name: value})
        for name, values in {
            "title": ["5", 5, 5.5, True, None, [], {}],
            "use_worktree": [True, False, "true", "No", "on", "0", 1, 0, 1.0, 2, "maybe"],
            "budget_tokens": [5, "5", " 5 ", "-5", "5.0", 5.0, 5.5, "x", "", True, None, "null"],
            "base_branch": ["x", "5", "null", None, 5, ["x"]],
            "checks": [["a"], [], '["a", "b"]', "[]", "null", None, "", '["a"', ["a", 1], {"a": 1}],
        }.items()
        for value in values
    ),
    *(("wait_for_workers", {"timeout_seconds": one}) for one in (5, 5.5, "5", "5.5", "1e2", "x")),
    *(("merge_worker", {"ids": one}) for one in (["x"], '["x"]', "['x']", None, "null", 5)),
    ("read_worker", {"id": "x", "max_bytes": 10**400}),
    ("read_worker", {}),
]


#: A tool, its arguments, which the SDK refuses, and as what we take them.
MORE_LENIENT: list[tuple[str, dict[str, object], dict[str, object]]] = [
    ("start_worker", {"title": "t", "task": "x", "use_worktree": None}, {"use_worktree": True}),
    ("start_worker", {"title": "t", "task": "x", "checks": "[ -f x ]"}, {"checks": ["[ -f x ]"]}),
    ("start_worker", {"title": "t", "task": "x", "checks": "5"}, {"checks": ["5"]}),
    ("merge_worker", {"ids": "x"}, {"ids": ["x"]}),
]


def taken(tool: str, given: dict[str, object]) -> dict[str, object]:
    """With the defaults of what was not given; empty when they are refused."""
    schema = Handshake("orchestrator")._schemas[tool]
    properties = schema["properties"]
    defaults = {one: about["default"] for one, about in properties.items() if "default" in about}
    with suppress(InvalidInput):
        return defaults | checked(schema, given)
    return {}


def taken_by_sdk(tool: str, given: dict[str, object]) -> dict[str, object]:
    server = sdk_server("orchestrator", listed_only("orchestrator"))
    theirs = server._tool_manager.get_tool(tool)
    assert theirs is not None
    with suppress(ValueError):  # pydantic's
        return {**theirs.fn_metadata.validate_arguments(given)}
    return {}


def test_arguments_are_taken_and_refused_as_the_sdk_does() -> None:
    both = [(one, taken(*one), taken_by_sdk(*one)) for one in ARGUMENTS]

    assert [one for one in both if one[1] != one[2]] == []


@pytest.mark.parametrize(("tool", "given", "meant"), MORE_LENIENT)
def test_arguments_whose_meaning_is_plain_are_taken(
    tool: str, given: dict[str, object], meant: dict[str, object]
) -> None:
    assert taken_by_sdk(tool, given) == {}
    assert meant.items() <= taken(tool, given).items()


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_sdks_client_lists_and_calls_each_tool_of_an_orchestrator(
    repository: Path, tmux_socket: str, mode: Any
) -> None:
    """It compares each result with the schema of its tool."""
    told: list[str] = []

    async def call(name: str, **arguments: object) -> dict[str, Any]:
        with anyio.fail_after(SOON * 4):
            result = await sdk.call_tool(name, arguments)
        assert isinstance(result, mcp_types.CallToolResult)
        assert not result.is_error, result.content
        assert result.structured_content is not None
        told.append(name)
        return dict(result.structured_content)

    command = StdioServerParameters(
        command=SERVER[0],
        args=SERVER[1:],
        cwd=repository,
        env={
            **os.environ,
            "CLAUDE_CODE_SESSION_ID": str(uuid.uuid4()),
            "WORKER_MANAGER_TMUX_SOCKET": tmux_socket,
            "WORKER_MANAGER_AGENT": "scripted",
            "WORKER_MANAGER_PYTHON": sys.executable,
        },
    )
    async with SdkClient(command, mode=mode) as sdk:
        listed = {one.name for one in (await sdk.list_tools()).tools}
        worker = (await call("start_worker", title="t", task=HANG))["id"]
        assert [one["id"] for one in (await call("list_workers"))["workers"]] == [worker]
        await call("read_worker", id=worker)
        await call("nudge_worker", id=worker, message="hello")
        await call("wait_for_workers", timeout_seconds=1)
        await call("stop_worker", id=worker, force=True)
        await call("restore_worker", id=worker)
        await call("stop_worker", id=worker, force=True)
        await call("read_mail")
        await call("adopt_workers")
        await call("clean_workers", dry_run=True)
        refused = [
            await sdk.call_tool("merge_worker", {"ids": [worker]}),
            await sdk.call_tool("answer_worker", {"id": worker, "decision": "deny"}),
        ]

    assert listed - set(told) == {"merge_worker", "answer_worker"}
    assert all(getattr(one, "is_error", False) for one in refused)


def workers_client(worker: Worker, repository: Path) -> Client:
    own = {"WORKER_MANAGER_WORKER_ID": worker.id, "CLAUDE_CODE_SESSION_ID": worker.session_id}
    return Client(SERVER, repository, **own)


@pytest.fixture
def asking(fleet: Fleet, repository: Path) -> Iterator[tuple[Client, Worker]]:
    """A worker whose `ask`, of the id 7, waits."""
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    one = workers_client(worker, repository)
    one.begin()
    one.say(id=7, method="tools/call", params={"name": "ask", "arguments": {"question": "tea?"}})
    home = fleet.records.home(worker.id)
    wait_until(lambda: awaited_answer.waiting(home))
    yield one, worker
    one.kill()


def test_while_a_call_waits_others_are_answered_and_it_is_cancelled_alone(
    asking: tuple[Client, Worker], fleet: Fleet
) -> None:
    client, worker = asking
    assert client.ask("ping")["result"] == {}
    second = client.ask("tools/call", name="ask", arguments={"question": "coffee?"})
    assert "Ask one thing at a time" in second["result"]["content"][0]["text"]

    client.say(method="notifications/cancelled", params={"requestId": "7"})

    home = fleet.records.home(worker.id)
    wait_until(lambda: awaited_answer.waiting(home) is None)
    assert client.ask("ping")["result"] == {}  # and it was not answered


def test_an_answer_that_nobody_waits_for_stays_for_the_next_to_read_it(
    asking: tuple[Client, Worker], fleet: Fleet
) -> None:
    client, worker = asking
    client.say(method="notifications/cancelled", params={"requestId": 7})
    home = fleet.records.home(worker.id)
    wait_until(lambda: awaited_answer.waiting(home) is None)
    fleet.nudge(worker.id, "ANSWER-1")

    (name,) = Mailbox(mailbox_path(home)).waiting()
    assert name
    assert client.ask("ping")["result"] == {}


def test_when_stdin_closes_what_waits_is_ended_and_told_so(
    asking: tuple[Client, Worker], fleet: Fleet
) -> None:
    client, worker = asking
    said, _ = client.server.communicate()

    assert json.loads(said) == {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {"code": -32000, "message": "Connection closed"},
    }
    assert client.server.returncode == 0
    assert awaited_answer.waiting(fleet.records.home(worker.id)) is None


def test_a_call_whose_number_is_used_again_is_still_cancelled(
    asking: tuple[Client, Worker], fleet: Fleet
) -> None:
    client, worker = asking
    second = {"name": "ask", "arguments": {"question": "coffee?"}}
    client.say(id="7", method="tools/call", params=second)
    assert client.hear()["id"] == "7"

    client.say(method="notifications/cancelled", params={"requestId": 7})

    home = fleet.records.home(worker.id)
    wait_until(lambda: awaited_answer.waiting(home) is None)


def test_when_stdin_closes_a_call_whose_number_was_used_again_is_ended(
    asking: tuple[Client, Worker],
) -> None:
    client, _ = asking
    second = {"name": "ask", "arguments": {"question": "coffee?"}}
    client.say(id=7, method="tools/call", params=second)
    assert "Ask one thing" in str(client.hear())

    client.server.communicate(timeout=WAIT_SECONDS)

    assert client.server.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_server_whose_call_waits(
    asking: tuple[Client, Worker], number: signal.Signals
) -> None:
    client, _ = asking
    client.server.send_signal(number)

    assert client.server.wait() == 128 + number


@pytest.mark.parametrize("why", ["gone", "unsayable", "cancelled", "failed", ""])
def test_mail_of_a_result_counts_as_shown_only_when_that_was_said(fleet: Fleet, why: str) -> None:
    letter = Message(id="m123456789abc", type="question", sender="w", name="n", sent="now", body="")
    fleet.mailbox.deliver(letter)
    claim = fleet.claim_waiting(most=20)
    assert claim is not None
    call = Call()
    call.shows(claim, fleet.home)
    if why == "cancelled":
        call.cancel()

    def say() -> None:
        if why == "gone":
            raise BrokenPipeError
        if why == "unsayable":
            json_line(float("nan"))

    assert call.settle(say, is_error=why == "failed") is (why in ("failed", ""))
    assert len(fleet.mailbox.waiting()) == (1 if why else 0)


def test_what_a_tool_prints_is_not_part_of_the_conversation(repository: Path) -> None:
    program = (
        "import sys; from worker_manager.servers import conversation, handshake\n"
        "from worker_manager.servers.toolbox import Toolbox\n"
        "box = Toolbox()\n"
        "@box.tool('List workers')\n"
        "def list_workers(call):\n"
        "    print('NOISE', flush=True)\n"
        "    raise ZeroDivisionError('SECRET')\n"
        "conversation.serve('orchestrator', lambda heard: box, after_listing=lambda: None)\n"
    )
    client = Client([sys.executable, "-c", program], repository)
    client.begin()
    failed = client.ask("tools/call", name="list_workers")

    text = failed["result"]["content"][0]["text"]
    assert (failed["result"]["isError"], text) == (True, "Error executing tool list_workers")
    told = client.end()
    client.kill()
    assert "NOISE" in told
    assert "SECRET" in told


def test_twenty_calls_at_once_are_each_answered_once(client: Client) -> None:
    client.begin()
    for number in range(20):
        client.say(id=number, method="tools/call", params={"name": "list_workers"})
    answers = [client.hear() for _ in range(20)]

    assert sorted(one["id"] for one in answers) == list(range(20))
    assert all(one["result"]["isError"] is False for one in answers)
    client.end()
