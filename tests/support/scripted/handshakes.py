"""Records how the SDK begins a conversation, for `servers/handshakes/`.

python -m tests.support.scripted.handshakes     # writes both records
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from worker_manager.servers.handshake import RECORDS

#: Those with a handshake; others are left to the SDK.
VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
ROLES = ("orchestrator", "worker")
#: The servers before they are connected to anything.
_SERVE = {
    "orchestrator": "orchestrator.build(None)",
    "worker": "worker.build(Records('/'), '00000000', ask_wait_seconds=0, check_seconds=0)",
}
#: Serves one conversation after the other, each on a descriptor: to load the SDK takes long.
_PROGRAM = """
import os, sys
from worker_manager.servers import conversation, orchestrator, wire
from worker_manager.servers.tools import worker
from worker_manager.state.workers.records import Records
for descriptor in map(int, sys.argv[1:]):
    os.dup2(descriptor, 0)
    os.dup2(descriptor, 1)
    os.close(descriptor)
    conversation.serve({build}, wire.Wire())
"""


def as_recorded(role: str) -> dict[str, Any]:
    """What the SDK says, for all versions the same but for the version itself."""
    told = []
    with _served(role) as conversations:
        for version, conversation in zip(VERSIONS, conversations, strict=True):
            begun, *lists = _ask(conversation, version)
            assert begun.pop("protocolVersion") == version
            told.append((begun, lists))
    begun, lists = told[0]
    assert told == [told[0]] * len(VERSIONS)
    return {
        "versions": list(VERSIONS),
        "initialize": begun,
        "lists": dict(zip(LISTS, lists, strict=True)),
    }


@contextmanager
def _served(role: str) -> Iterator[list[socket.socket]]:
    """The client's ends of as many conversations as there are versions."""
    pairs = [socket.socketpair() for _ in VERSIONS]
    theirs = [server.fileno() for _, server in pairs]
    program = _PROGRAM.format(build=_SERVE[role])
    command = [sys.executable, "-I", "-c", program, *map(str, theirs)]
    with subprocess.Popen(command, pass_fds=theirs) as process:
        for _, server in pairs:
            server.close()
        try:
            yield [client for client, _ in pairs]
        finally:
            for client, _ in pairs:
                client.close()
    assert process.returncode == 0


def _ask(conversation: socket.socket, version: str) -> list[Any]:
    client = {"capabilities": {}, "clientInfo": {"name": "recorder", "version": "1"}}
    messages: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": {"protocolVersion": version, **client}},
        {"method": "notifications/initialized"},
        *({"id": number, "method": method} for number, method in enumerate(LISTS, 1)),
    ]
    with conversation, conversation.makefile("rw", encoding="utf-8") as lines:
        for message in messages:
            lines.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        lines.flush()
        answers = [json.loads(lines.readline()) for _ in (0, *LISTS)]
    # The SDK answers several at once.
    return [one["result"] for one in sorted(answers, key=lambda one: int(one["id"]))]


if __name__ == "__main__":
    for each in ROLES:
        text = json.dumps(as_recorded(each), indent=1, sort_keys=True)
        (RECORDS / f"{each}.json").write_text(f"{text}\n", "utf-8")
