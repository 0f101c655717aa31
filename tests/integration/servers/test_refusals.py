"""Messages to a server that can't be taken: each is answered, and the next one, too."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.scripted.client import Client
from tests.support.scripted.workers import recorded_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Status

HALF = "\ud800"


@pytest.fixture(params=[False, True], ids=["at first", "after a call"])
def client(request: pytest.FixtureRequest, repository: Path) -> Iterator[Client]:
    """In a conversation that has begun, before and after the first call of a tool."""
    one = Client([sys.executable, "-I", "-m", "worker_manager"], repository)
    one.begin()
    if request.param:
        one.ask("tools/call", name="list_workers", arguments={})
    yield one
    one.kill()


def say(client: Client, line: str | bytes) -> dict[str, Any]:
    """A line as it is, and what is heard."""
    assert client.server.stdin is not None
    raw = line if isinstance(line, bytes) else line.encode()
    client.server.stdin.buffer.write(raw + b"\n")
    client.server.stdin.flush()
    return client.hear()


def call(tool: str, **arguments: Any) -> str:
    """The line of a call, its id last, as Claude Code writes it."""
    params = {"name": tool, "arguments": arguments}
    message = {"method": "tools/call", "params": params, "jsonrpc": "2.0", "id": 7}
    return json.dumps(message)


def is_alive(client: Client) -> bool:
    listed = client.ask("tools/call", name="list_workers", arguments={})
    return listed["result"]["structuredContent"]["workers"] == []


@pytest.mark.promise("tool-answers")
@pytest.mark.parametrize(
    ("tool", "arguments", "named"),
    [
        ("start_worker", {"title": "t", "task": f"abc{HALF}"}, "task"),
        ("start_worker", {"title": "t", "task": "x", "checks": ["a", HALF]}, "checks"),
        ("nudge_worker", {"id": "12345678", "message": HALF}, "message"),
        ("read_worker", {"id": HALF}, "id"),
        ("merge_worker", {"ids": [HALF]}, "ids"),
        ("answer_worker", {"id": "1", "decision": "deny", "message": {"x": [HALF]}}, "message.x"),
        ("no_such_tool", {HALF: 1}, ""),
    ],
)
def test_a_call_with_half_a_character_is_told_where_it_is(
    client: Client, tool: str, arguments: dict[str, Any], named: str
) -> None:
    answer = say(client, call(tool, **arguments))

    assert answer["id"] == 7
    assert answer["result"]["isError"]
    told = answer["result"]["content"][0]["text"]
    assert told.startswith(f"The argument {named!r}" if named else "The message")
    assert "half a character (\\ud800)" in told
    assert is_alive(client)


@pytest.mark.promise("tool-answers")
@pytest.mark.parametrize(
    "line",
    [
        call("start_worker", title="t", task="é").replace("\\u00e9", "\xe9").encode("latin-1"),
        call("start_worker", title="t", task="a b").replace("a b", "a\tb"),
        call("start_worker", title="t", deep=0).replace("0}", "[" * 300 + "]" * 300 + "}"),
    ],
    ids=["no UTF-8", "a tab in a text", "deep"],
)
def test_a_call_that_is_no_json_is_answered_where_its_id_can_be_read(
    client: Client, line: str | bytes
) -> None:
    answer = say(client, line)

    assert answer["id"] == 7
    assert answer["result"]["isError"]
    assert is_alive(client)


@pytest.mark.promise("tool-answers")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        (
            '{"jsonrpc": "2.0", "id": "a", "method": "tools/list", "params": {"x": "\\ud800"}}',
            -32600,
        ),
        ('{"jsonrpc": "2.0", "id": "a", "method": "resources/read", "params": ["x"]}', -32600),
        ('{"jsonrpc": "2.0", "id": "a", "method": "prompts/get", "params": {"x": "a\tb"}}', -32700),
    ],
)
def test_another_request_is_answered_with_an_error(client: Client, line: str, code: int) -> None:
    answer = say(client, line)

    assert "error" in answer, answer
    assert (answer["id"], answer["error"]["code"]) == ("a", code)
    assert is_alive(client)


@pytest.mark.promise("tool-answers")
@pytest.mark.parametrize("value", ["[" * 600 + "]" * 600, "1e999", "NaN"])
def test_a_value_that_can_not_be_said_is_no_end(client: Client, value: str) -> None:
    requests = [
        call("start_worker", task="t", title=0).replace('"title": 0', f'"title": {value}'),
        call("start_worker").replace('"arguments"', f'"_meta": {value}, "arguments"'),
        f'{{"jsonrpc": "2.0", "id": 7, "method": "resources/read", "params": {{"uri": {value}}}}}',
        '{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"_meta": '
        f'{{"io.modelcontextprotocol/protocolVersion": {value}}}}}}}',
    ]
    for line in requests:
        assert say(client, line)["id"] == 7
    assert is_alive(client)


def test_a_batch_is_told_that_there_are_none(client: Client) -> None:
    answer = say(client, f"[{call('list_workers')}]")

    assert (answer["id"], answer["error"]["code"]) == (None, -32600)
    assert is_alive(client)


@pytest.mark.promise("tool-answers", "text-whole")
def test_a_workers_server_answers_too_whatever_its_checks_and_its_model_say(
    fleet: Fleet, repository: Path
) -> None:
    name = os.fsdecode(b"caf\xe9")
    check = f"cat {name}; git mv {name} x 2>&1; exit 3"
    worker = recorded_worker(fleet, repository, checks=[check], status=Status.RUNNING)
    (repository / name).write_bytes(b"n\xe9in\n")
    client = Client(
        [sys.executable, "-I", "-m", "worker_manager"],
        repository,
        WORKER_MANAGER_WORKER_ID=worker.id,
        CLAUDE_CODE_SESSION_ID=worker.session_id,
    )
    try:
        client.begin()
        first = say(client, call("ask", question=f"Which {HALF}?"))
        failed = client.ask("tools/call", name="complete", arguments={"summary": "done"})
        again = say(client, call("complete", summary=HALF))
    finally:
        client.kill()

    for refused, named in ((first, "question"), (again, "summary")):
        assert f"The argument {named!r} holds half" in refused["result"]["content"][0]["text"]
    assert failed["result"]["isError"]
    told = failed["result"]["content"][0]["text"]
    assert "caf?" in told
    assert told.encode("utf-8", "strict")
    assert fleet.worker(worker.id).status is Status.RUNNING


@pytest.mark.promise("tool-answers")
def test_what_names_nobody_to_answer_ends_nothing(client: Client) -> None:
    assert client.server.stdin is not None
    torn = ["", "{torn", "1", "[" * 5_000, '{"method": "notifications/x", "params": "\\ud800"}']
    client.server.stdin.write("\n".join([*torn, ""]))

    assert is_alive(client)
