"""Records how the SDK begins a conversation, for `servers/handshakes/`.

python -m tests.support.scripted.handshakes     # writes both records
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.scripted.sdk import ROLES, conversation, listed_only, sdk_server
from worker_manager.servers.handshake import RECORDS

#: Those with a handshake; our servers offer no others.
VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")


def as_recorded(role: str) -> dict[str, Any]:
    """What the SDK says, for all versions the same but for the version itself."""
    told = []
    for version in VERSIONS:
        begun, *lists = [one["result"] for one in _asked(role, version)]
        assert begun.pop("protocolVersion") == version
        told.append((begun, lists))
    begun, lists = told[0]
    assert told == [told[0]] * len(VERSIONS)
    return {
        "versions": list(VERSIONS),
        "initialize": begun,
        "lists": dict(zip(LISTS, lists, strict=True)),
    }


def opening(version: str) -> list[dict[str, Any]]:
    """The messages with which a client begins."""
    client = {"capabilities": {}, "clientInfo": {"name": "recorder", "version": "1"}}
    return [
        {"id": 0, "method": "initialize", "params": {"protocolVersion": version, **client}},
        {"method": "notifications/initialized"},
    ]


def _asked(role: str, version: str) -> list[dict[str, Any]]:
    lists = [{"id": number, "method": method} for number, method in enumerate(LISTS, 1)]
    return conversation(sdk_server(role, listed_only(role)), [*opening(version), *lists])


if __name__ == "__main__":
    for each in ROLES:
        text = json.dumps(as_recorded(each), indent=1)
        (RECORDS / f"{each}.json").write_text(f"{text}\n", "utf-8")
