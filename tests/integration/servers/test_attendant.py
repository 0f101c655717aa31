"""What a worker's server does in the place of hooks: a session's rollout is written here, line by
line, and a program of the tests' own stands where `codex queue` is called.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.doctor.conftest import program
from tests.support.scripted.bench import recorded_worker
from worker_manager.agents.codex import attended
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.supervision import limits
from worker_manager.domain import message as messages
from worker_manager.domain.worker import Status, Worker
from worker_manager.servers.attendant import Attendant
from worker_manager.state import usage_limit
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers import reminders

THREAD = "01a22110-b541-78b1-b243-3ac11c3c1764"
LIMIT = {"message": "try again at 9:06 PM.", "codex_error_info": "usage_limit_exceeded"}


class Session:
    """A session of Codex, by what it has written; and what was put into its queue."""

    def __init__(self, folder: Path, fleet: Fleet, worker: Worker) -> None:
        self.home = fleet.records.home(worker.id)
        self.fleet, self.worker = fleet, worker
        self.queued, self.broken = folder / "queued", folder / "broken"
        day = folder / "codex" / "sessions" / time.strftime("%Y/%m/%d")
        day.mkdir(parents=True)
        self.rollout = day / f"rollout-2026-11-28T07-31-12-{THREAD}.jsonl"
        self.mailbox = Mailbox(mailbox_path(self.home))
        self._turns = 0
        self._write("session_meta", {"id": THREAD, "thread_source": "user"})

    def begin(self, prompt: str) -> None:
        """A turn begins with a prompt."""
        self._turns += 1
        self._event("task_started")
        content = [{"type": "input_text", "text": prompt}]
        self._write("response_item", {"type": "message", "role": "user", "content": content})

    def end(self, **more: object) -> None:
        """It ends: well, or with an `error`."""
        self._event("task_complete", **more)

    def interrupt(self) -> None:
        """Somebody pressed Esc."""
        self._event("turn_aborted", reason="interrupted")

    def lines(self) -> list[str]:
        """What was put into its queue so far."""
        return self.queued.read_text("utf-8").splitlines() if self.queued.exists() else []

    def status(self) -> Status:
        """How the worker's record stands."""
        return self.fleet.worker(self.worker.id).status

    def letters(self) -> list[str]:
        """The types of the messages that its orchestrator has got."""
        waiting = map(self.fleet.mailbox.peek, self.fleet.mailbox.waiting())
        return [one.type for one in waiting if one]

    def _event(self, kind: str, **more: object) -> None:
        self._write("event_msg", {"type": kind, "turn_id": f"turn-{self._turns}", **more})

    def _write(self, kind: str, payload: dict[str, object]) -> None:
        stamp = datetime.now(UTC).isoformat()
        line = json.dumps({"timestamp": stamp, "type": kind, "payload": payload})
        with self.rollout.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


@pytest.fixture
def session(
    tmp_path: Path, fleet: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> Session:
    """Of a worker that is Codex; its first turn has begun."""
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    script = f"""case "$1" in
--help) echo '  queue   Queue a message' ;;
queue) test ! -e {tmp_path}/broken && printf '%s\\n' "$4" >>{tmp_path}/queued ;;
esac"""
    program(tmp_path, "codex", script, monkeypatch)
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    worker = fleet.records.update(worker.id, lambda one: one._replace(agent="codex"))[1]
    return Session(tmp_path, fleet, worker)


@pytest.fixture
def attendant(session: Session) -> Attendant:
    """Its server's, from before its first turn."""
    attendant = Attendant(session.home, attended, time.time())
    session.begin(f'Read the file "{session.home}/task.md"')
    attendant.look()
    return attendant


def test_a_letter_comes_at_the_end_of_the_turn_as_a_line_that_names_a_file(
    session: Session, attendant: Attendant
) -> None:
    session.fleet.nudge(session.worker.id, "NUDGE-1")
    attendant.look()
    assert session.lines() == []  # what stands behind a turn that fails is lost

    session.end()
    attendant.look()

    (line,) = session.lines()
    file = Path(line.split('"')[1])
    assert "NUDGE-1" not in line
    assert session.worker.mark not in line
    assert "NUDGE-1" in file.read_text("utf-8")
    assert session.worker.mark in file.read_text("utf-8")
    assert file.stat().st_mode & 0o077 == 0
    # Not read before a turn has ended behind it.
    assert (session.mailbox.waiting(), len(session.mailbox.pending())) == ([], 1)


def test_a_letter_that_the_queue_does_not_take_waits_on(
    session: Session, attendant: Attendant
) -> None:
    session.broken.touch()
    session.fleet.nudge(session.worker.id, "NUDGE-1")
    session.end()

    attendant.look()

    assert len(session.mailbox.waiting()) == 1
    assert session.mailbox.pending() == []


@pytest.mark.promise("codex-read")
def test_behind_a_turn_that_failed_only_news_is_put_into_the_queue(
    session: Session, attendant: Attendant
) -> None:
    session.fleet.nudge(session.worker.id, "NUDGE-1")
    session.end()
    attendant.look()
    session.begin(session.lines()[0])
    session.end(error={"message": "no", "codex_error_info": "internal_server_error"})
    attendant.look()
    assert session.status() is Status.BLOCKED
    assert session.letters() == [messages.LIMIT]
    for folder in ("read", "pending"):  # long ago
        for path in Path(session.mailbox.folder(folder)).iterdir():
            os.utime(path, (1, 1))
    attendant._settled_at = -100.0
    attendant.look()
    attendant.look()

    assert len(session.mailbox.waiting()) == 1
    assert len(session.lines()) == 1
    session.fleet.nudge(session.worker.id, "NUDGE-2")
    attendant.look()
    text = Path(session.lines()[1].split('"')[1]).read_text("utf-8")
    assert "NUDGE-1" in text
    assert "NUDGE-2" in text


def test_at_a_usage_limit_nothing_is_put_into_the_queue_before_it_is_over(
    session: Session, attendant: Attendant
) -> None:
    session.end(error=LIMIT)
    attendant.look()
    assert session.fleet.worker(session.worker.id).reason == limits.RATE_LIMIT
    session.fleet.nudge(session.worker.id, "NUDGE-1")
    attendant.look()
    assert session.lines() == []

    usage_limit.note(state_root(), session.worker.id, 0.0, "codex")
    attendant.look()
    assert len(session.lines()) == 1


@pytest.mark.promise("codex-esc")
def test_behind_an_interrupted_turn_a_letter_waits_to_be_rung_for(
    session: Session, attendant: Attendant
) -> None:
    session.fleet.nudge(session.worker.id, "NUDGE-1")
    session.interrupt()
    attendant.look()
    assert (len(session.mailbox.waiting()), session.lines()) == (1, [])

    session.begin("somebody typed")
    session.end()
    attendant.look()
    assert len(session.lines()) == 1


def test_a_worker_without_a_report_is_reminded_twice_then_told_of(
    session: Session, attendant: Attendant
) -> None:
    for number in range(1, 4):
        session.end(last_agent_message="I am done.")
        attendant.look()
        attendant.look()
        assert len(session.lines()) == min(number, reminders.TIMES)
        session.begin("a reminder")
        attendant.look()

    assert session.letters() == [messages.STALLED]
    assert "Reminder 2 of 2" in session.lines()[1]


def test_what_stands_in_a_rollout_of_a_session_before_is_nobodys_turn(session: Session) -> None:
    session.begin(f'Read the file "{session.home}/task.md"')
    session.end(error=LIMIT)
    began = time.time()

    Attendant(session.home, attended, began).look()

    assert session.status() is Status.RUNNING
    assert usage_limit.until(state_root(), "codex") is None


def test_a_turn_that_is_over_before_its_server_has_loaded_all_is_seen_to(session: Session) -> None:
    began = time.time()
    session.begin(f'Read the file "{session.home}/task.md"')
    session.end(error=LIMIT)

    Attendant(session.home, attended, began).look()

    assert session.status() is Status.BLOCKED


def test_a_restored_session_goes_on_with_the_rollout_that_it_had(
    session: Session, attendant: Attendant
) -> None:
    had = session.rollout
    # The person's own, later, and about the same file.
    other = THREAD.replace("01a2", "01a3")
    session.rollout = had.with_name(f"rollout-2026-11-28T09-00-00-{other}.jsonl")
    session._write("session_meta", {"id": other, "thread_source": "user"})
    session.begin(f'What does "{session.home}/task.md" say?')

    restored = Attendant(session.home, attended, time.time())
    restored.look()

    assert restored._transcript == str(had)
