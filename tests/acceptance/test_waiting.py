"""wait_for_workers in the real Claude Code: what the model was really sent, and how often."""

from __future__ import annotations

import pytest

from tests.support.claude_lab import ClaudeLab, Session, wait_until
from tests.support.crew import (
    AUTONOMOUS,
    CREW,
    home_of,
    report_when,
    start_boss,
    start_worker,
    worker_id,
)
from tests.support.messages_api import MessagesApi, call

pytestmark = [pytest.mark.claude, pytest.mark.timeout(180)]


def put_to_work(api: MessagesApi, session: Session, marker: str) -> str:
    """Starts a worker that waits for the file of `report_when`; its id."""
    start_worker(api, "boss", marker)
    before = api.requests("boss")[-1]
    session.type(f"start {marker}")
    started = api.wait_for_request("boss", r"Worker [0-9a-f]{8} ", after=before)
    api.wait_for_request(f"worker {marker}")
    session.wait_for_status("idle")
    return worker_id(started)


def wait_for_calls(lab: ClaudeLab, session: Session, count: int) -> None:
    """Until so many calls of wait_for_workers wait."""
    folder = home_of(lab, session.session_id) / "waits"
    wait_until(
        lambda: folder.exists() and len(list(folder.iterdir())) == count,
        30,
        lambda: "no call waits" if count else "a call still waits",
    )


@pytest.mark.promise("wait-once")
def test_a_completion_is_the_result_of_the_call_that_waits_for_it_and_comes_once(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    go = crew.root / "go"
    api.name_session("boss", first_prompt="^BOSS")
    report_when(api, "W1", go)
    session = start_boss(crew)
    worker = put_to_work(api, session, "W1")
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
    first, second = crew.root / "first", crew.root / "second"
    api.name_session("boss", first_prompt="^BOSS")
    report_when(api, "W1", first)
    report_when(api, "W2", second)
    session = start_boss(crew)
    worker = put_to_work(api, session, "W1")
    put_to_work(api, session, "W2")
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


def test_without_a_doorbell_the_call_tells_all_the_same(crew: ClaudeLab, api: MessagesApi) -> None:
    go = crew.root / "go"
    api.name_session("boss", first_prompt="^BOSS")
    report_when(api, "W1", go)
    arguments = {"title": "Greet W1", "task": "W1 write a greeting"}
    api.on("boss", "^BOSS", call(f"{CREW}start_worker", **arguments))
    api.on("boss", r"Worker [0-9a-f]{8} ", call(f"{CREW}wait_for_workers"))
    go.touch()

    crew.run_print("BOSS start W1", *AUTONOMOUS)

    told = api.wait_for_request("boss", "DONE-W1")
    assert "Stop hook feedback" not in told.new_text
    assert '"timed_out":false' in told.new_text
    assert api.times_told("boss", "DONE-W1") == 1
