"""Claude Code listens to a call for two minutes; here for three seconds. What it then moves to the
background is read as no answer. `python -m tests.stress long_calls` takes the two minutes.
"""

from __future__ import annotations

import json

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import CREW, script_boss_and_worker, start_boss
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import call
from tests.support.scripted.long_calls import listen_for, live

pytestmark = [pytest.mark.claude]


@pytest.mark.promise("wait-bounded", "wait-idle")
def test_no_call_outlasts_its_session_and_mail_wakes_it_whatever_call_lies_open(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    listen_for(crew, 3_000)

    took = live(crew, api, seconds=5)

    assert took["ask"] >= 5
    assert took["complete"] >= 5


@pytest.mark.newest_claude
@pytest.mark.promise("wait-deaf")
def test_where_hooks_are_switched_off_the_session_is_told_that_nothing_wakes_it(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    settings = crew.home / ".claude" / "settings.json"
    chosen = json.loads(settings.read_text("utf-8"))
    settings.write_text(json.dumps(chosen | {"disableAllHooks": True}), "utf-8")
    script_boss_and_worker(api)
    api.on("worker", "W1 write", call(f"{CREW}complete", summary="DONE-1"))
    api.on("boss", "^wait", call(f"{CREW}wait_for_workers"))
    session = start_boss(crew)

    session.type("start W1")
    started = api.wait_for_request("boss", r"Worker [0-9a-f]{8} ")
    session.type("wait for it")
    told = api.wait_for_request("boss", "DONE-1")

    assert "NOTHING WILL WAKE YOU: no hook of worker-manager has run" in started.new_text
    assert "reach you by itself" not in started.new_text
    assert "disableAllHooks" in started.new_text
    assert "[completion m" in told.new_text
