"""Who a session is: its mail and its workers stay its own, and no report is lost or shown twice.

Seen on the real Claude Code: the assertions look at what the model was really sent.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.claude_session import Session
from tests.support.claude.crew import (
    AUTONOMOUS,
    CREW,
    boss_at_work,
    fork_boss,
    home_of,
    resume_boss,
    server_pid,
    wait_for_mail,
    wait_for_server,
)
from tests.support.claude.messages_api import SUBAGENT, MessagesApi
from tests.support.claude.replies import call, say
from tests.support.claude.requests import Request
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.claude]

A_REPEAT = ", a repeat if you have seen this id"
#: The title of a report that is not marked as a repeat.
UNMARKED = r"\[completion \w+\]"


def list_workers(api: MessagesApi, name: str, session: Session) -> Request:
    """Has the model list its workers; the request that holds the answer."""
    api.on(name, "^list them", call(f"{CREW}list_workers"))
    session.type("list them")
    return api.wait_for_request(name, r'"workers":')


def remembered(lab: ClaudeLab, session_id: str) -> str:
    """What the session's transcript holds beside what waits in Claude Code's own queue."""
    lines = lab.transcript(session_id)
    return str([line for line in lines if line["type"] != "queue-operation"])


def slow_to_start(lab: ClaudeLab) -> Path:
    """Gives the person a SessionStart hook of their own, which waits for this file."""
    go = lab.root / "go-start"
    hook = {"type": "command", "command": f"while [ ! -e {go} ]; do sleep 0.1; done"}
    settings = lab.home / ".claude" / "settings.json"
    chosen = json.loads(settings.read_text("utf-8"))
    chosen["hooks"] = {"SessionStart": [{"hooks": [hook]}]}
    settings.write_text(json.dumps(chosen), "utf-8")
    return go


@pytest.mark.newest_claude
@pytest.mark.promise("identity-resume", "wait-resume")
def test_after_a_kill_each_report_wakes_the_resumed_session_once(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    session, ids, files = boss_at_work(crew, api, "W1", "W2")
    session_id = session.session_id

    session.end(signal.SIGKILL)
    for go in files:
        go.touch()
    wait_for_mail(crew, session_id, 2)
    session = resume_boss(crew, session_id)
    # Nobody types. Of several at once the others join the turn, or begin the next.
    for text in ("DONE-W1", "DONE-W2"):
        api.wait_for_request("boss", text)
    session.wait_for_screen("2 letters wait: completion from greet-w")
    session.wait_for_screen("UserPromptSubmit says: completion from greet-w")
    listed = list_workers(api, "boss", session)

    assert all(f"{one} completed" in listed.new_text for one in ids)
    session.wait_for_status("idle")
    assert api.times_told("boss", "DONE-W1") == 1
    assert api.times_told("boss", "DONE-W2") == 1
    assert api.times_told("boss", UNMARKED) == 2


@pytest.mark.newest_claude
@pytest.mark.promise("rung-again")
def test_a_report_that_came_before_the_mailbox_was_watched_wakes_the_idle_session(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    first, _, (go,) = boss_at_work(crew, api, "W1")
    session_id = first.session_id
    first.end(signal.SIGKILL)
    before = server_pid(crew, session_id)
    watched = slow_to_start(crew)
    second = crew.start("--resume", session_id, *AUTONOMOUS)
    wait_for_server(crew, session_id, before)
    time.sleep(2)  # our own SessionStart hook takes half a second

    # Claude Code watches the mailbox when all these hooks have ended, and reports nothing older.
    go.touch()
    wait_for_mail(crew, session_id, 1)
    watched.touch()
    second.wait_for_status("idle")

    api.wait_for_request("boss", "DONE-W1")
    assert api.times_told("boss", "DONE-W1") == 1


@pytest.mark.newest_claude
@pytest.mark.promise("identity-fork")
def test_a_fork_has_a_home_of_its_own(crew: ClaudeLab, api: MessagesApi) -> None:
    parent, _, (first, second) = boss_at_work(crew, api, "W1", "W2")
    parent_id = parent.session_id

    fork = fork_boss(crew, api, parent_id, "fork")
    assert home_of(crew, fork.session_id).resolve() != home_of(crew, parent_id).resolve()
    assert "No workers." in list_workers(api, "fork", fork).new_text

    # The parent runs: its report wakes it, and nobody else.
    first.touch()
    api.wait_for_request("boss", "DONE-W1")
    # The parent is gone: its report waits for it.
    parent.wait_for_status("idle")
    parent.end(signal.SIGKILL)
    second.touch()
    wait_for_mail(crew, parent_id, 1)
    fork.type("any news")
    api.wait_for_request("fork", "^any news")
    parent = resume_boss(crew, parent_id)
    parent.type("any news")
    told = api.wait_for_request("boss", "DONE-W2")

    assert told.all_text.count("DONE-W1") == 1
    parent.wait_for_status("idle")
    assert api.times_told("boss", "DONE-W2") == 1
    assert api.times_told("fork", "DONE-W") == 0


@pytest.mark.newest_claude
@pytest.mark.promise("identity-clear")
def test_compaction_neither_loses_nor_repeats_a_report(crew: ClaudeLab, api: MessagesApi) -> None:
    session, _, (before, after) = boss_at_work(crew, api, "W1", "W2")

    before.touch()
    api.wait_for_request("boss", "DONE-W1")
    session.type("/compact")
    session.wait_for_screen("Compacted")
    after.touch()
    woken = api.wait_for_request("boss", "DONE-W2")

    assert "DONE-W1" not in woken.all_text  # it was compacted away, and is not said anew
    session.wait_for_status("idle")
    assert api.times_told("boss", "DONE-W1") == 1
    assert api.times_told("boss", "DONE-W2") == 1


@pytest.mark.newest_claude
@pytest.mark.promise("identity-server")
def test_a_new_server_of_the_same_session_has_its_workers(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    session, (worker,), (go,) = boss_at_work(crew, api, "W1")

    # Neither version starts a server that has died by itself.
    former = server_pid(crew, session.session_id)
    os.kill(former, signal.SIGKILL)
    session.type("/mcp reconnect plugin:worker-manager:crew")
    wait_for_server(crew, session.session_id, former)
    listed = list_workers(api, "boss", session)
    go.touch()
    api.wait_for_request("boss", "DONE-W1")

    assert f"{worker} running" in listed.new_text
    session.wait_for_status("idle")
    assert api.times_told("boss", "DONE-W1") == 1


@pytest.mark.newest_claude
@pytest.mark.promise("mail-receipt")
def test_a_report_that_was_only_queued_when_the_session_died_is_shown_again_and_marked(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    session, _, (go,) = boss_at_work(crew, api, "W1")
    session_id = session.session_id
    api.on("boss", "^think", say("never said", until=threading.Event()))

    session.type("think")
    api.wait_for_request("boss", "^think")
    go.touch()
    wait_for_mail(crew, session_id, 1, "read")
    wait_until(lambda: "DONE-W1" in str(crew.transcript(session_id)), missing=lambda: "not queued")
    assert "DONE-W1" not in remembered(crew, session_id)
    session.end(signal.SIGKILL)
    session = resume_boss(crew, session_id)
    session.type("go on")
    told = api.wait_for_request("boss", "DONE-W1")

    assert told.all_text.count("DONE-W1") == 1
    assert A_REPEAT in told.all_text
    session.wait_for_status("idle")
    assert api.times_told("boss", "DONE-W1") == 1


@pytest.mark.newest_claude
def test_a_report_that_was_shown_before_the_session_died_is_not_repeated(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    session, _, (go,) = boss_at_work(crew, api, "W1")
    session_id = session.session_id
    api.on("boss", "DONE-W1", say("never said", until=threading.Event()))

    go.touch()
    api.wait_for_request("boss", "DONE-W1")
    # A moment later it is written down; killed before, the resumed session knows nothing of it.
    wait_until(lambda: "DONE-W1" in remembered(crew, session_id), missing=lambda: "not written")
    session.end(signal.SIGKILL)
    session = resume_boss(crew, session_id)
    session.type("go on")
    told = api.wait_for_request("boss", "^go on")

    assert told.all_text.count("DONE-W1") == 1
    assert A_REPEAT not in told.all_text


@pytest.mark.newest_claude
@pytest.mark.promise("mail-subagent")
def test_mail_reaches_the_main_conversation_and_no_subagent(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    session, _, (go,) = boss_at_work(crew, api, "W1")
    new = home_of(crew, session.session_id) / "mail" / "new"
    come = f"touch {go}; while ! ls {new}/*; do sleep 0.1; done"
    taken = f"while ls {new}/*; do sleep 0.1; done"
    delegate = {"description": "Look", "prompt": "SUBTASK look", "subagent_type": "general-purpose"}
    api.on("boss", "^delegate", call("Agent", **delegate))
    # Its first tool ends when mail lies there, its second when the doorbell has taken it.
    api.on(SUBAGENT, "SUBTASK", call("Bash", command=come, description="Wait for mail"))
    api.on(SUBAGENT, "", call("Bash", command=taken, description="Wait for the doorbell"))

    session.type("delegate it")
    api.wait_for_request("boss", "DONE-W1")

    session.wait_for_status("idle")
    assert api.unused_rules(SUBAGENT) == []
    assert not any("DONE-W1" in request.all_text for request in api.side_requests)
    assert api.times_told("boss", "DONE-W1") == 1
    assert api.times_told("boss", UNMARKED) == 1


@pytest.mark.newest_claude
@pytest.mark.promise("end-deliberate")
def test_exit_in_one_of_two_terminals_leaves_the_workers_to_the_other(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    first, (worker,), (go,) = boss_at_work(crew, api, "W1")
    second = resume_boss(crew, first.session_id)

    first.type("/exit")
    first.wait_for_end()
    listed = list_workers(api, "boss", second)
    go.touch()
    api.wait_for_request("boss", "DONE-W1")

    assert f"{worker} running" in listed.new_text
    second.wait_for_status("idle")
    assert api.times_told("boss", "DONE-W1") == 1
