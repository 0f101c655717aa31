"""Calls of a session that listens for a while only, with the real servers and hooks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp_types import Implementation

from tests.conftest import CHECKOUT
from tests.support.scripted.rehearsed import SOON, session
from tests.support.scripted.workers import recorded_worker, take_mail
from worker_manager.agents.claude.patience import SETTING
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Status, Worker
from worker_manager.rehearsal.session import RehearsedSession
from worker_manager.state import sessions, tried_versions
from worker_manager.state.layout import state_root
from worker_manager.state.workers import running_checks

pytestmark = pytest.mark.anyio

#: Of a version that nobody has tried.
NEWER = Implementation(name="claude-code", version="9.9.9")
LISTENS = {SETTING: "1200"}


@asynccontextmanager
async def session_of(worker: Worker, **environ: str) -> AsyncIterator[RehearsedSession]:
    """The session of a recorded worker, of a Claude Code that listens for 1.2 s."""
    given = {
        **os.environ,
        "WORKER_MANAGER_PYTHON": sys.executable,
        "WORKER_MANAGER_WORKER_ID": worker.id,
    }
    one = RehearsedSession(
        plugin_root=CHECKOUT, cwd=Path(worker.path), session_id=worker.session_id, environ=given
    )
    one._environ.update(LISTENS | environ)
    one.client_info = NEWER
    async with one:
        await one.start()
        yield one


@pytest.mark.promise("wait-bounded")
async def test_an_ask_ends_before_its_session_stops_listening_and_the_answer_comes_as_mail(
    repository: Path, fleet: Fleet
) -> None:
    worker = recorded_worker(fleet, repository)
    async with session_of(worker) as one:
        with anyio.fail_after(SOON):
            asked = await one.call_tool("ask", question="tea?")
            fleet.nudge(worker.id, "ANSWER-1")
            woken = await one.wait_for_mail(SOON)

    assert asked.structured["answer"] is None
    assert "End your turn: it will wake you" in asked.text
    assert "ANSWER-1" in (woken or "")


@pytest.mark.promise("wait-bounded")
async def test_a_wait_ends_before_its_session_stops_listening(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket, client_info=NEWER, **LISTENS) as boss:
        await boss.start_worker()
        waited = await boss.wait(timeout_seconds=1000)

    assert "The wait is not over after 1 s. Call wait_for_workers again, or end" in waited.text
    assert waited.structured["timed_out"] is True


async def until(path: Path) -> None:
    with anyio.fail_after(SOON):
        while not path.exists():
            await anyio.sleep(0.02)


@pytest.mark.promise("check-outlasts")
async def test_checks_outlast_their_call_and_the_report_is_made_when_they_pass(
    repository: Path, fleet: Fleet, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    check = f"while [ ! -e {go} ]; do sleep 0.05; done"
    worker = recorded_worker(fleet, repository, checks=(check,))
    home = fleet.records.home(worker.id)
    async with session_of(worker) as one:
        with anyio.fail_after(SOON):
            early = await one.call_tool("complete", summary="DONE-1")
            assert "your checks still run. End your turn" in early.text
            assert running_checks.are_under_way(home)
            # The end of its turn is no reason to remind it, nor to call it idle.
            assert await one.hook("Stop", last_assistant_message="bye") == ""
            refused = await one.call_tool("complete", summary="another")
            assert "still run. End your turn" in refused.text
            assert take_mail(fleet) == []
            go.touch()
            woken = await one.wait_for_mail(SOON)

    assert "Your checks have passed, and your report is delivered" in (woken or "")
    assert fleet.worker(worker.id).status is Status.COMPLETED
    (message,) = take_mail(fleet)
    assert "DONE-1" in message.body
    assert not running_checks.are_under_way(home)


@pytest.mark.promise("check-outlasts")
async def test_checks_that_fail_after_their_call_are_told_and_nothing_is_reported(
    repository: Path, fleet: Fleet
) -> None:
    worker = recorded_worker(fleet, repository, checks=("sleep 3; echo WHY-1; exit 3",))
    async with session_of(worker) as one:
        with anyio.fail_after(SOON):
            await one.call_tool("complete", summary="DONE-1")
            again = await one.call_tool("complete", summary="DONE-1")
            woken = again.text if again.is_error else await one.wait_for_mail(SOON)

    assert "Its output:\nWHY-1" in (woken or "")
    assert fleet.worker(worker.id).status is not Status.COMPLETED
    assert take_mail(fleet) == []


async def test_checks_whose_server_was_killed_are_under_way_no_more(
    repository: Path, fleet: Fleet
) -> None:
    worker = recorded_worker(fleet, repository)
    home = fleet.records.home(worker.id)
    running_checks.begin(home)
    assert running_checks.are_under_way(home)

    Path(home, "checking").write_text("999999999-1", "utf-8")

    assert not running_checks.are_under_way(home)


def test_versions_that_were_tried_are_kept(fleet: Fleet) -> None:
    assert tried_versions.versions(state_root()) == []

    tried_versions.note(state_root(), "9.9.9")
    tried_versions.note(state_root(), "9.9.9")

    assert tried_versions.versions(state_root()) == ["9.9.9"]


@pytest.mark.promise("wait-resume")
async def test_old_mail_rings_soon_after_its_session_asked_for_the_watch_anew(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = Message(id="m123456789abc", type="question", sender="w", name="n", sent="now", body="")
    fleet.mailbox.deliver(letter)
    (file,) = Path(fleet.mailbox.folder("new")).iterdir()
    an_hour_ago = time.time() - 3_600
    os.utime(file, (an_hour_ago, an_hour_ago))
    fleet.supervisor._began = an_hour_ago
    sessions.note_start(fleet.home, os.getpid())
    fleet.supervisor.supervise_once()  # before Claude Code has begun to watch
    rung = file.stat().st_mtime

    seconds, _ = fleet.supervisor.next_check()

    assert time.time() - rung < 60
    assert seconds is not None
    assert seconds <= 5.2
