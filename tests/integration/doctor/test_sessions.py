"""What sessions have left behind: hooks that fired, letters that woke."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.integration.doctor.conftest import FAILED, OK, UNKNOWN, WARNING, only
from worker_manager.crew.fleet import Fleet
from worker_manager.doctor import hook_health, switches
from worker_manager.doctor.findings import Place
from worker_manager.domain.message import QUESTION, Message
from worker_manager.state import sessions
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail import receipts
from worker_manager.state.workers.records import now


def claude_session(home: str, *, status: str = "idle") -> None:
    """This process, as Claude Code's file about it and our hook would have it."""
    folder = Path(os.environ["HOME"], ".claude", "sessions")
    folder.mkdir(parents=True)
    with open(Path(home, "orchestrator.json"), encoding="utf-8") as file:
        project = json.load(file)["project"]
    state = {"status": status, "statusUpdatedAt": time.time() * 1000, "cwd": project}
    (folder / f"{os.getpid()}.json").write_text(json.dumps(state), "utf-8")
    sessions.link_process(state_root(), os.getpid(), home)
    receipts.note_transcript(home, str(Path(home, "talk.jsonl")))


def letter(fleet: Fleet, *, age: float) -> None:
    fleet.mailbox.deliver(
        Message(id="a" * 16, type=QUESTION, sender="b" * 8, name="b", sent=now(), body="?")
    )
    for path in Path(mailbox_path(fleet.home), "new").iterdir():
        os.utime(path, (time.time() - age,) * 2)


def test_without_any_session_the_doorbell_is_unknown(here: Place) -> None:
    found = [
        only(look(here)) for look in (hook_health.hooks, hook_health.servers, hook_health.doorbell)
    ]

    assert [one.verdict for one in found] == [UNKNOWN] * 3


@pytest.mark.promise("doctor-tried")
@pytest.mark.parametrize(
    ("where", "key", "told"),
    [
        ("home", "disableAllHooks", True),
        ("project", "disableAllHooks", True),
        ("local", "disableAllHooks", True),
        ("managed", "disableAllHooks", True),
        ("managed", "allowManagedHooksOnly", True),
        ("home", "allowManagedHooksOnly", False),  # only an administrator's counts
    ],
)
def test_settings_that_switch_hooks_off_are_named(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, key: str, told: bool
) -> None:
    monkeypatch.setattr(switches, "MANAGED", tmp_path / "managed")
    files = {
        "home": Path(os.environ["HOME"], ".claude", "settings.json"),
        "project": Path(here.directory, ".claude", "settings.json"),
        "local": Path(here.directory, ".claude", "settings.local.json"),
        "managed": tmp_path / "managed" / "managed-settings.json",
    }
    write(files[where], json.dumps({key: True}))

    found = only(hook_health.hooks(here))

    assert (found.verdict is FAILED) == told
    assert (f"{key} is true in {files[where]}" in found.says) == told


def test_the_nearer_settings_count(here: Place, tmp_path: Path) -> None:
    write(Path(os.environ["HOME"], ".claude", "settings.json"), '{"disableAllHooks": true}')
    write(Path(here.directory, ".claude", "settings.json"), '{"disableAllHooks": false}')
    write(Path(here.directory, ".claude", "settings.local.json"), "no JSON")

    assert only(hook_health.hooks(here)).verdict is UNKNOWN


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_letters_that_lie_before_an_idle_session_are_a_broken_doorbell(
    here: Place, fleet: Fleet
) -> None:
    claude_session(fleet.home)
    letter(fleet, age=0)
    fresh = only(hook_health.doorbell(here))
    letter(fleet, age=60)

    late = only(hook_health.doorbell(here))

    assert (fresh.verdict, late.verdict) == (UNKNOWN, FAILED)
    assert str(os.getpid()) in late.says


def test_letters_before_a_busy_session_are_no_sign(here: Place, fleet: Fleet) -> None:
    claude_session(fleet.home, status="busy")
    letter(fleet, age=60)

    assert only(hook_health.doorbell(here)).verdict is UNKNOWN


def test_a_letter_that_woke_a_session_is_found_in_its_transcript(here: Place, fleet: Fleet) -> None:
    claude_session(fleet.home)
    line = {
        "type": "user",
        "timestamp": "2026-09-01T10:00:00.000Z",
        "message": "Mail from worker-manager: x",
    }
    Path(fleet.home, "talk.jsonl").write_text(json.dumps(line) + "\n", "utf-8")

    found = only(hook_health.doorbell(here))

    assert (found.verdict, "2026-09-01 10:00 UTC" in found.says) == (OK, True)


def test_a_session_without_its_server_has_no_tools(here: Place, fleet: Fleet) -> None:
    claude_session(fleet.home)
    without = only(hook_health.servers(here))
    Path(fleet.home, "server").write_text(str(os.getpid()), "utf-8")

    assert without.verdict is FAILED
    assert only(hook_health.servers(here)).verdict is OK


def test_a_session_that_runs_without_the_plugin_is_named(here: Place, fleet: Fleet) -> None:
    claude_session(fleet.home)
    assert only(hook_health.hooks(here)).verdict is OK
    sessions_file = Path(os.environ["HOME"], ".claude", "sessions", f"{os.getppid()}.json")
    sessions_file.write_text(json.dumps({"cwd": here.directory}), "utf-8")

    verdicts = {one.verdict for one in hook_health.hooks(here)}

    assert verdicts == {WARNING, OK}


def test_a_hook_that_failed_is_told(here: Place) -> None:
    Path(here.root, "logs").mkdir(parents=True)
    Path(here.root, "logs", "hooks.log").write_text("old\n2026 Stop: KeyError: 'x'\n", "utf-8")

    found = hook_health.hooks(here)[0]

    assert (found.verdict, "KeyError" in found.says) == (WARNING, True)
