"""How long a call of ours may last."""

from __future__ import annotations

import pytest

from worker_manager.agents.claude.patience import Client, seconds

OLD, KNOWN, NEW = (Client("claude-code", one) for one in ("2.1.197", "2.1.332", "9.9.9"))
SETTING = "CLAUDE_CODE_MCP_AUTO_BACKGROUND_MS"


@pytest.mark.promise("wait-bounded")
@pytest.mark.parametrize(
    ("client", "told", "wanted"),
    [
        (None, None, None),
        (Client("another", "1"), None, None),
        (OLD, None, None),
        (OLD, "3000", None),
        (KNOWN, None, 100.0),
        (KNOWN, "0", None),
        (KNOWN, "3000", 2.5),
        (KNOWN, "600000", 500.0),
        (KNOWN, "abc", 100.0),
        (KNOWN, "-5", 100.0),
        (KNOWN, "", 100.0),
        (NEW, None, 100.0),
        (NEW, "0", 100.0),
        (NEW, "3000", 2.5),
        (NEW, "600000", 100.0),
    ],
)
def test_a_call_lasts_no_longer_than_its_session_surely_listens(
    client: Client | None, told: str | None, wanted: float | None
) -> None:
    assert seconds(client, {} if told is None else {SETTING: told}) == wanted


def test_a_version_that_was_tried_here_is_known() -> None:
    assert seconds(NEW, {SETTING: "0"}, ["9.9.9"]) is None
    assert seconds(NEW, {}, ["9.9.9"]) == 100.0


def test_without_a_terminal_each_call_is_waited_for() -> None:
    assert seconds(KNOWN, {"CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}) is None
    assert seconds(NEW, {"CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}) == 100.0
