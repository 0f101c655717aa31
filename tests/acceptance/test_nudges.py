"""How a nudge reaches a real worker, rung by rung, and what its orchestrator hears of that."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.claude_session import Session
from tests.support.claude.crew import CREW, start_boss, worker_id
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import call
from tests.support.waiting import wait_until
from worker_manager.crew.messaging import wake

pytestmark = [pytest.mark.claude, pytest.mark.newest_claude]

#: On a busy machine its receipt may come after the answer.
TAKEN = ("seen", "delivered")


@pytest.fixture
def boss(crew: ClaudeLab, api: MessagesApi) -> Session:
    """An idle orchestrator."""
    return _boss(crew, api)


@pytest.fixture
def deaf_boss(crew: ClaudeLab, api: MessagesApi) -> Session:
    """As `boss`; its workers, and itself, have lost their doorbell."""
    (hooks,) = crew.home.glob(".claude/plugins/cache/*/worker-manager/*/hooks/hooks.json")
    given = json.loads(hooks.read_text("utf-8"))
    del given["hooks"]["FileChanged"]
    hooks.write_text(json.dumps(given), "utf-8")
    return _boss(crew, api)


def _boss(crew: ClaudeLab, api: MessagesApi) -> Session:
    api.name_session("boss", first_prompt="^BOSS")
    api.name_session("worker", first_prompt="W1 write")
    return start_boss(crew)


class Nudged:
    """A worker, its terminal, and an orchestrator that speaks to it."""

    def __init__(
        self, lab: ClaudeLab, api: MessagesApi, boss: Session, mode: str = "bypassPermissions"
    ) -> None:
        self.api, self.boss, self.count = api, boss, 0
        arguments = {"title": "Greet", "task": "W1 write", "permission_mode": mode}
        api.on("boss", "^start W1", call(f"{CREW}start_worker", **arguments))
        boss.type("start W1")
        self.id = worker_id(api.wait_for_request("boss", r"Worker [0-9a-f]{8} "))
        opening = api.wait_for_request("worker")
        self.terminal = lab.wait_for_session(lambda one: one["sessionId"] == opening.session_id)
        self.system = opening.system

    def nudge(self, message: str) -> dict[str, Any]:
        """The result that the orchestrator's model reads."""
        self.boss.wait_for_status("idle")
        before, self.count = self.api.requests("boss")[-1], self.count + 1
        arguments = {"id": self.id, "message": message}
        self.api.on("boss", f"^nudge {self.count}", call(f"{CREW}nudge_worker", **arguments))
        self.boss.type(f"nudge {self.count}")
        told = self.api.wait_for_request("boss", '"fate":', after=before).new_text
        found = re.search(r'\{"text":.*"fate":.*\}', told)
        assert found, told
        result: dict[str, Any] = json.loads(found[0])
        return result

    def close_socket(self) -> None:
        """Has everybody be able to speak on its socket, if it has one: then we don't."""
        path = self.terminal.state.get("messagingSocketPath")
        if path:
            os.chmod(path, 0o666)

    @property
    def mark(self) -> str:
        found = re.search(r"carry the mark (\w+) ", self.system)
        assert found
        return found[1]


def idle_worker(lab: ClaudeLab, api: MessagesApi, boss: Session) -> Nudged:
    """One that has completed, and whose session has been idle for a while."""
    api.on("worker", "W1 write", call(f"{CREW}complete", summary="DONE-1"))
    nudged = Nudged(lab, api, boss)
    api.wait_for_request("worker", "Reported|Delivered")
    nudged.terminal.wait_for_status("idle")
    return nudged


@pytest.mark.promise("nudge-fate", "nudge-rungs")
def test_the_doorbell_wakes_an_idle_worker(
    crew: ClaudeLab, api: MessagesApi, boss: Session
) -> None:
    worker = idle_worker(crew, api, boss)

    result = worker.nudge("NUDGE-1")

    assert result["fate"] in TAKEN
    assert (result["rung"], result["reason"]) == ("hook", "")
    assert f"mark {worker.mark}" in api.wait_for_request("worker", "NUDGE-1").new_text
    assert api.times_told("worker", "NUDGE-1") == 1
    assert wake.LINE not in worker.terminal.screen()


@pytest.mark.promise("nudge-fate")
def test_two_nudges_during_a_tool_call_come_in_order_and_once(
    crew: ClaudeLab, api: MessagesApi, boss: Session, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    wait = f"while [ ! -e {go} ]; do sleep 0.1; done"
    api.on("worker", "W1 write", call("Bash", command=wait, description="Wait"))
    worker = Nudged(crew, api, boss)
    worker.terminal.wait_for_status("busy")

    first, second = worker.nudge("NUDGE-1"), worker.nudge("NUDGE-2")
    go.touch()

    assert {first["fate"], second["fate"]} <= {"delivered", "queued"}
    api.wait_for_request("worker", "NUDGE-1")
    told = api.wait_for_request("worker", "NUDGE-2").all_text
    assert told.index("NUDGE-1") < told.index("NUDGE-2")
    assert (api.times_told("worker", "NUDGE-1"), api.times_told("worker", "NUDGE-2")) == (1, 1)
    assert wake.LINE not in told


@pytest.mark.promise("nudge-rungs")
def test_without_a_doorbell_the_socket_rings_else_a_typed_line(
    crew: ClaudeLab, api: MessagesApi, deaf_boss: Session, claude_version: str
) -> None:
    worker = idle_worker(crew, api, deaf_boss)
    has_socket = bool(worker.terminal.state.get("messagingSocketPath"))
    assert has_socket or claude_version == "2.1.197"
    if has_socket:
        worker.terminal.paste("my draft")  # no matter to the socket

    result = worker.nudge("NUDGE-1 " + "x" * 200_000)

    assert result["fate"] in TAKEN
    assert result["rung"] == ("socket" if has_socket else "typed")
    told = api.wait_for_request("worker", "NUDGE-1").new_text
    assert wake.LINE in told
    assert f"mark {worker.mark}" in told
    assert "more characters. All of it is in " in told
    assert (api.times_told("worker", "NUDGE-1"), api.times_told("worker", wake.LINE)) == (1, 1)
    worker.terminal.wait_for_status("idle")
    assert ("my draft" in worker.terminal.screen()) is has_socket


@pytest.mark.promise("nudge-rungs", "nudge-draft")
def test_a_draft_or_a_person_who_scrolls_keeps_us_from_typing(
    crew: ClaudeLab, api: MessagesApi, deaf_boss: Session
) -> None:
    worker = idle_worker(crew, api, deaf_boss)
    worker.close_socket()
    terminal = worker.terminal
    terminal.paste("my draft")
    terminal.wait_for_screen("my draft")
    terminal.press("C-a")  # where the cursor of an empty prompt is, too

    drafted = worker.nudge("NUDGE-1")
    assert (drafted["fate"], drafted["rung"]) == ("queued", "")
    assert drafted["reason"] == "a draft stands in its prompt"
    assert "my draft" in terminal.screen()

    terminal.press("C-k")
    wait_until(lambda: "my draft" not in terminal.screen(), missing=terminal.screen)
    crew.try_tmux(terminal.socket, "copy-mode", "-t", terminal.pane)
    scrolled = worker.nudge("NUDGE-2")
    assert scrolled["reason"] == "somebody scrolls in its terminal"
    crew.try_tmux(terminal.socket, "send-keys", "-t", terminal.pane, "-X", "cancel")
    assert wake.LINE not in terminal.screen()
    assert api.times_told("worker", "NUDGE") == 0

    third = worker.nudge("NUDGE-3")
    assert third["fate"] in TAKEN
    assert third["rung"] == "typed"
    told = api.wait_for_request("worker", "NUDGE-3").new_text
    assert re.search("NUDGE-1.*NUDGE-2.*NUDGE-3", told, re.DOTALL)
    assert api.times_told("worker", wake.LINE) == 1


@pytest.mark.promise("nudge-draft")
def test_nothing_is_typed_into_a_dialog(
    crew: ClaudeLab, api: MessagesApi, deaf_boss: Session
) -> None:
    made = crew.root / "made"
    api.on("worker", "W1 write", call("Bash", command=f"touch {made}", description="Make"))
    worker = Nudged(crew, api, deaf_boss, mode="default")
    worker.terminal.wait_for_status("waiting")

    result = worker.nudge("NUDGE-1")

    assert result["fate"] == "queued"
    assert result["reason"] == "a dialog is open at its terminal (permission prompt)"
    assert worker.terminal.status == "waiting"
    assert not made.exists()
    worker.terminal.press("Enter")  # the person says yes
    wait_until(made.exists, missing=worker.terminal.screen)
    api.wait_for_request("worker", "NUDGE-1")
