"""Records how the SDK begins a conversation, for `servers/handshakes/`.

python -m tests.support.handshakes     # writes both records
"""

from __future__ import annotations

import json
import subprocess
import sys
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
_PROGRAM = """
from worker_manager.servers import conversing, orchestrator, wire, worker
from worker_manager.state.records import Records
conversing.serve({build}, wire.Wire())
"""


def as_recorded(role: str) -> dict[str, Any]:
    """What the SDK says, for all versions the same but for the version itself."""
    told = []
    for version in VERSIONS:
        begun, *lists = _ask(role, version)
        assert begun.pop("protocolVersion") == version
        told.append((begun, lists))
    begun, lists = told[0]
    assert told == [told[0]] * len(VERSIONS)
    return {
        "versions": list(VERSIONS),
        "initialize": begun,
        "lists": dict(zip(LISTS, lists, strict=True)),
    }


def _ask(role: str, version: str) -> list[Any]:
    client = {"capabilities": {}, "clientInfo": {"name": "recorder", "version": "1"}}
    messages: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": {"protocolVersion": version, **client}},
        {"method": "notifications/initialized"},
        *({"id": number, "method": method} for number, method in enumerate(LISTS, 1)),
    ]
    program = _PROGRAM.format(build=_SERVE[role])
    with subprocess.Popen(
        [sys.executable, "-I", "-c", program], stdin=-1, stdout=-1, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for message in messages:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in (0, *LISTS)]
        # The SDK answers several at once.
        return [one["result"] for one in sorted(answers, key=lambda one: int(one["id"]))]


if __name__ == "__main__":
    for each in ROLES:
        text = json.dumps(as_recorded(each), indent=1, sort_keys=True)
        (RECORDS / f"{each}.json").write_text(f"{text}\n", "utf-8")
