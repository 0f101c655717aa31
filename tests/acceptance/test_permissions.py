"""Dialogs of a worker, answered by its orchestrator, or by the person at its terminal first."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.claude_session import Session
from tests.support.claude.crew import (
    CREW,
    script_boss_and_worker,
    start_boss,
    wait_for_server,
    worker_id,
)
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import call
from tests.support.claude.requests import Request
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.claude]

COLOR = {
    "question": "Which color?",
    "header": "Color",
    "multiSelect": False,
    "options": [
        {"label": "Red", "description": "warm"},
        {"label": "Blue", "description": "cold"},
    ],
}
SIZE = {**COLOR, "question": "Which size?", "header": "Size"}


class Crew:
    """An orchestrator, and a worker that is going to open a dialog."""

    def __init__(self, lab: ClaudeLab, api: MessagesApi, *, mode: str = "default") -> None:
        self.lab = lab
        self.api = api
        (lab.repository / "worker-manager.toml").write_text(f'permission_mode = "{mode}"\n')
        script_boss_and_worker(api)
        self.boss = start_boss(lab)

    def start(self, letter: str) -> tuple[Session, Request]:
        """Starts the worker; its session with the dialog open, and the request with the letter."""
        self.boss.type("start W1")
        told = self.api.wait_for_request("boss", letter)
        self.id = worker_id(self.api.wait_for_request("boss", r"Worker [0-9a-f]{8} "))
        opening = self.api.wait_for_request("worker")
        session = self.lab.wait_for_session(lambda one: one["sessionId"] == opening.session_id)
        session.wait_for_status("waiting")
        self.boss.wait_for_status("idle")
        return session, told

    def answer(self, decision: str, **more: str) -> Request:
        """The orchestrator's model answers; the request that holds the tool's result."""
        said = call(f"{CREW}answer_worker", id=self.id, decision=decision, **more)
        self.api.on("boss", "^answer it", said)
        before = self.api.requests("boss")[-1]
        self.boss.type("answer it")
        return self.api.wait_for_request("boss", "", after=self.after_prompt(before))

    def after_prompt(self, before: Request) -> Request:
        return self.api.wait_for_request("boss", "answer it", after=before)

    def status(self) -> str:
        """In the worker's record."""
        (path,) = self.lab.state_home.glob(f"worker-manager/*/workers/{self.id}/worker.json")
        return str(json.loads(path.read_text("utf-8"))["status"])

    def wait_for_record(self, status: str) -> None:
        wait_until(lambda: self.status() == status, missing=lambda: f"it is {self.status()}")

    def open_files(self) -> list[Path]:
        return list(self.lab.state_home.glob(f"worker-manager/*/workers/{self.id}/requests/*"))


def message_id(told: Request, kind: str) -> str:
    found = re.search(rf"\[{kind} (m[0-9a-f]{{12}})\]", told.new_text)
    assert found, told.new_text
    return found[1]


def touch(name: str) -> dict[str, str]:
    return {"command": f"touch {name}", "description": "Touch"}


@pytest.mark.newest_claude
def test_the_rule_of_the_readme_allows_an_orchestrator_all_tools(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    (rule,) = re.findall(r'`"(mcp__[\w-]+)"`', (CHECKOUT / "README.md").read_text("utf-8"))
    api.name_session("boss", first_prompt="^BOSS")
    api.on("boss", "^list", call(f"{CREW}list_workers"))
    settings = {"permissions": {"allow": [rule]}, "tui": "default"}
    arguments = ("--permission-mode", "default", "--settings", json.dumps(settings))
    session = crew.start(*arguments, prompt="BOSS hello")
    session.wait_for_first_turn()
    wait_for_server(crew, session.session_id, 0)

    session.type("list them")

    listed = api.wait_for_request("boss", "^list them")
    assert '"workers":[]' in api.wait_for_request("boss", "", after=listed).new_text


@pytest.mark.newest_claude
@pytest.mark.promise("dialog-answer")
def test_what_is_denied_is_not_run_the_worker_reads_why_and_what_is_allowed_is_run(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    job = Crew(crew, api)
    api.on("worker", "W1 write", call("Bash", **touch("denied.txt")))
    api.on("worker", "WHY-1", call("Bash", **touch("allowed.txt")))
    api.on("worker", lambda r: bool(r.latest), call(f"{CREW}complete", summary="DONE-1"))
    api.on("worker", "Nothing is committed", call(f"{CREW}complete", summary="DONE-1"))
    session, told = job.start(r"\[permission m")

    assert '"command": "touch denied.txt"' in told.new_text
    assert job.status() == "blocked"
    job.answer("deny", message="WHY-1 use another name")
    api.wait_for_request("worker", "WHY-1 use another name")
    told = api.wait_for_request("boss", r"\[permission m", after=told)
    assert '"command": "touch allowed.txt"' in told.new_text
    job.boss.wait_for_status("idle")
    result = job.answer("allow", message_id=message_id(told, "permission"))

    assert "goes on with your answer" in result.new_text
    api.wait_for_request("boss", "DONE-1")
    tree = Path(str(session.state["cwd"]))
    assert (tree / "allowed.txt").exists()
    assert not (tree / "denied.txt").exists()
    assert job.open_files() == []
    assert api.times_told("boss", r"\[settled m") == 0


@pytest.mark.newest_claude
@pytest.mark.promise("dialog-terminal")
def test_the_person_at_the_terminal_may_be_faster_or_dismiss_a_dialog(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    job = Crew(crew, api)
    api.on("worker", "W1 write", call("Bash", **touch("allowed.txt")))
    # So that the turn's end is not what tells.
    api.on("worker", "", call("Bash", **touch("dismissed.txt")))
    session, told = job.start(r"\[permission m")

    session.press("Enter")

    api.wait_for_request("boss", "was answered or dismissed at its terminal")
    api.wait_for_request("boss", "touch dismissed.txt")
    job.boss.wait_for_status("idle")
    result = job.answer("deny", message_id=message_id(told, "permission"))
    assert "is over already" in result.new_text
    assert api.times_told("boss", r"\[settled m") == 1

    # No hook tells of this: only Claude Code's own file about the session does.
    session.wait_for_status("waiting")
    session.press("Escape")

    api.wait_for_request("boss", "was answered or dismissed at its terminal", after=result)
    job.wait_for_record("running")
    wait_until(lambda: not job.open_files())


@pytest.mark.newest_claude
@pytest.mark.promise("dialog-time")
def test_when_the_time_is_up_the_dialog_is_left_to_the_person(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    crew.env["WORKER_MANAGER_PERMISSION_WAIT_SECONDS"] = "1"
    job = Crew(crew, api)
    api.on("worker", "W1 write", call("Bash", **touch("late.txt")))
    session, _ = job.start(r"\[permission m")
    (file,) = job.open_files()
    process = json.loads(file.read_text("utf-8"))["process"].partition("-")[0]
    wait_until(lambda: not Path(f"/proc/{process}").exists(), missing=lambda: "the hook still runs")

    result = job.answer("allow")

    assert "left to the person, who answers it with: " in result.new_text
    assert "worker-manager attach " in result.new_text
    assert job.status() == "blocked"
    assert session.status == "waiting"
    session.press("Enter")
    api.wait_for_request("boss", "was answered or dismissed at its terminal")
    assert (Path(str(session.state["cwd"])) / "late.txt").exists()


@pytest.mark.promise("dialog-question")
@pytest.mark.newest_claude
def test_a_question_at_the_terminal_is_answered_by_mail(crew: ClaudeLab, api: MessagesApi) -> None:
    job = Crew(crew, api, mode="bypassPermissions")  # that of `default` is below
    api.on("worker", "W1 write", call("AskUserQuestion", questions=[COLOR]))
    api.on("worker", "Blue", call(f"{CREW}complete", summary="DONE-1"))
    _, told = job.start(r"\[question m")

    assert "- Blue: cold" in told.new_text
    assert job.status() == "asking"
    api.on("boss", "^nudge it", call(f"{CREW}nudge_worker", id=job.id, message="blue"))
    job.boss.type("nudge it")

    answered = api.wait_for_request("worker", "Blue")
    assert "Which color?" in answered.new_text
    api.wait_for_request("boss", "DONE-1")


@pytest.mark.newest_claude
@pytest.mark.promise("dialog-question")
def test_several_questions_are_answered_line_by_line(crew: ClaudeLab, api: MessagesApi) -> None:
    job = Crew(crew, api)
    api.on("worker", "W1 write", call("AskUserQuestion", questions=[COLOR, SIZE]))
    api.on("worker", "ANSWER-2", call(f"{CREW}complete", summary="DONE-1"))
    _, told = job.start(r"\[question m")

    assert "one line for each" in told.new_text
    job.answer("Red\nANSWER-2 huge")

    answered = api.wait_for_request("worker", "ANSWER-2 huge")
    assert re.search(r"Which color\?.*Red.*Which size\?.*ANSWER-2 huge", answered.new_text)
