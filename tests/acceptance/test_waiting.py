"""wait_for_workers and read_worker in the real Claude Code: what the model was really sent."""

from __future__ import annotations

import json
import re
import threading

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.claude_session import Session
from tests.support.claude.crew import (
    AUTONOMOUS,
    CREW,
    boss_at_work,
    home_of,
    report_when,
    start_boss,
    start_worker,
    wait_for_mail,
    worker_id,
)
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import Reply, ToolCall, call, several
from tests.support.waiting import wait_until
from worker_manager.domain.message import Message
from worker_manager.state.mail.mailbox import Mailbox

pytestmark = [pytest.mark.claude, pytest.mark.newest_claude]


def wait_for_calls(lab: ClaudeLab, session: Session, count: int) -> None:
    """Until so many calls of wait_for_workers wait."""
    folder = home_of(lab, session.session_id) / "waits"
    wait_until(
        lambda: folder.exists() and len(list(folder.iterdir())) == count,
        missing=lambda: "no call waits" if count else "a call still waits",
    )


@pytest.mark.promise("wait-once")
def test_a_completion_is_the_result_of_the_call_that_waits_for_it_and_comes_once(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    session, (worker,), (go,) = boss_at_work(crew, api, "W1")
    api.on("boss", "^wait", call(f"{CREW}wait_for_workers"))

    session.type("wait for it")
    wait_for_calls(crew, session, 1)
    go.touch()
    told = api.wait_for_request("boss", "DONE-W1")

    assert "NOT USER INPUT" not in told.new_text
    assert f'"workers":{{"{worker}":"completed"}}' in told.new_text
    session.wait_for_status("idle")
    assert api.times_told("boss", "DONE-W1") == 1


@pytest.mark.promise("wait-cancel")
def test_escape_while_it_waits_loses_nothing(crew: ClaudeLab, api: MessagesApi) -> None:
    session, (worker, _), (first, second) = boss_at_work(crew, api, "W1", "W2")
    api.on("boss", "^wait", call(f"{CREW}wait_for_workers", ids=[worker]))
    new = home_of(crew, session.session_id) / "mail" / "new"

    # The report of another one is left to the call; nothing but our own ring tells of it later.
    session.type("wait for it")
    wait_for_calls(crew, session, 1)
    second.touch()
    api.wait_for_request("worker W2", "Delivered to your orchestrator")
    with pytest.raises(AssertionError):  # the doorbell would have taken it by then
        wait_until(lambda: not list(new.iterdir()), 3, str)
    session.press("Escape")
    wait_for_calls(crew, session, 0)
    api.wait_for_request("boss", "DONE-W2")
    session.wait_for_status("idle")

    first.touch()
    api.wait_for_request("boss", "DONE-W1")
    session.wait_for_status("idle")
    assert api.times_told("boss", "DONE-W1") == 1
    assert api.times_told("boss", "DONE-W2") == 1


def test_a_message_that_the_doorbell_took_just_before_the_call_ends_it(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    session, (worker,), _ = boss_at_work(crew, api, "W1")
    mailbox = Mailbox(str(home_of(crew, session.session_id).resolve() / "mail"))
    taken = threading.Event()
    # While the model speaks, the doorbell takes what comes; it is shown after the call.
    answer = ToolCall(f"{CREW}wait_for_workers", {"ids": [worker]})
    api.on("boss", "^wait", Reply((answer,), until=taken))

    session.type("wait for it")
    api.wait_for_request("boss", "^wait")
    message = {"type": "stalled", "sender": worker, "name": "n", "sent": "now"}
    mailbox.deliver(Message(id="m123456789abc", body="STALLED-1", **message))
    wait_for_mail(crew, session.session_id, 1, "read")
    wait_until(lambda: "STALLED-1" in str(crew.transcript(session.session_id)), missing=str)
    taken.set()
    told = api.wait_for_request("boss", "STALLED-1")

    assert "A message that came just before this call follows" in told.new_text
    session.wait_for_status("idle")
    assert api.times_told("boss", "STALLED-1") == 1


def test_without_a_doorbell_the_call_tells_all_the_same(crew: ClaudeLab, api: MessagesApi) -> None:
    go = crew.root / "go"
    api.name_session("boss", first_prompt="^BOSS")
    report_when(api, "W1", go)
    arguments = {"title": "Greet W1", "task": "W1 write a greeting"}
    api.on("boss", "^BOSS", call(f"{CREW}start_worker", **arguments))
    # 2.1.197 may be faster than our server on a busy machine.
    api.on("boss", "still connecting", call(f"{CREW}start_worker", **arguments), repeat=True)
    api.on("boss", r"Worker [0-9a-f]{8} ", call(f"{CREW}wait_for_workers"))
    go.touch()

    crew.run_print("BOSS start W1", *AUTONOMOUS)

    told = api.wait_for_request("boss", "DONE-W1")
    assert "Stop hook feedback" not in told.new_text
    assert '"timed_out":false' in told.new_text
    assert api.times_told("boss", "DONE-W1") == 1


def test_what_a_worker_did_and_said_is_shown_in_full(crew: ClaudeLab, api: MessagesApi) -> None:
    report = "".join(f'{number} "said" \\\n' for number in range(4_000))
    api.name_session("boss", first_prompt="^BOSS")
    api.name_session("worker W1", first_prompt="W1 write")
    api.on(
        "worker W1", "W1 write", several("I look first.", ToolCall("Bash", {"command": "exit 3"}))
    )
    api.on("worker W1", "", call(f"{CREW}complete", summary=report))
    session = start_boss(crew)
    start_worker(api, "boss", "W1")
    session.type("start W1")
    started = api.wait_for_request("boss", r"Worker [0-9a-f]{8} ")
    worker = worker_id(started)
    api.wait_for_request("worker W1", "Delivered to your orchestrator")
    session.wait_for_status("idle")

    def shown(prompt: str, **arguments: object) -> str:
        before = api.requests("boss")[-1]
        api.on("boss", f"^{prompt}", call(f"{CREW}read_worker", id=worker, **arguments))
        session.type(prompt)
        given = api.wait_for_request("boss", r'"more":', after=before)
        session.wait_for_status("idle")
        return str(json.loads(given.latest[0])["text"])

    log = shown("what did it do", what="log", cursor="start")
    times = r"\d\d:\d\d:\d\d "
    for entry in (
        "told: Your task is in the file ",
        "says: I look first",
        "Bash: exit 3",
        "error: Exit code 3",
    ):
        assert re.search(f"^{times}{entry}", log, re.MULTILINE)
    assert re.search(f"^{times}complete: 0 .said.", log, re.MULTILINE)
    # Claude Code puts what is too long for it into a file, and shows its beginning.
    whole = shown("all of it", what="result", max_bytes=45_000)
    assert whole.count(' "said" ') > 2_000
    assert "More: read_worker(" in whole
    assert "bypass permissions on" in shown("the screen", what="screen")
    assert "completed since" in shown("in short", what="summary")
