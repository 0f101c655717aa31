"""Dialogs at a worker's terminal: real hook processes beside a stand-in for claude."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT, make_fleet
from worker_manager import dialogs, messages, naming, reports
from worker_manager.errors import InvalidInput, WorkerFinished, WorkerManagerError, WorkerNotFound
from worker_manager.fleet import Fleet
from worker_manager.hooks import mail
from worker_manager.messages import Message
from worker_manager.models import Status, Worker
from worker_manager.state import orchestrators, processes, questions, requests, sessions
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mailbox import Mailbox
from worker_manager.state.records import now

BASH = {"tool_name": "Bash", "tool_input": {"command": "make", "description": "Build"}}
WRITE = {"tool_name": "Write", "tool_input": {"file_path": "/x", "content": "y"}}
QUESTION: dict[str, Any] = {
    "question": "Which color?",
    "header": "Color",
    "multiSelect": False,
    "options": [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}],
}
ASK = {"tool_name": "AskUserQuestion", "tool_input": {"questions": [QUESTION]}}
BOTH = [QUESTION, {**QUESTION, "question": "Which size?"}]
ASK_BOTH = {"tool_name": "AskUserQuestion", "tool_input": {"questions": BOTH}}


def wait_until(look: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Session:
    """A worker's session without claude: a process in its place, its session file, its hooks."""

    def __init__(self, fleet: Fleet, worker_id: str, session_id: str) -> None:
        self.fleet, self.id, self.session_id = fleet, worker_id, session_id
        self.home = fleet.records.home(worker_id)
        self.claude = subprocess.Popen(["sleep", "100"])
        self.hooks: list[subprocess.Popen[str]] = []
        self.show("busy")

    def show(self, status: str) -> None:
        """What Claude Code writes into the file about its process."""
        folder = Path(os.environ["HOME"], ".claude", "sessions")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.claude.pid}.json").write_text(json.dumps({"status": status}), "utf-8")

    def start(self, event: str, given: dict[str, Any], **environ: str) -> subprocess.Popen[str]:
        own = {
            "WORKER_MANAGER_PYTHON": sys.executable,
            "WORKER_MANAGER_WORKER_ID": self.id,
            "CLAUDE_CODE_SESSION_ID": self.session_id,
            "CLAUDE_CODE_ENTRYPOINT": "cli",
            "CLAUDE_PID": str(self.claude.pid),
        }
        process = subprocess.Popen(
            [str(CHECKOUT / "bin" / "worker-manager"), "--hook", event],
            env={**os.environ, **own, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(given))
        process.stdin.close()
        self.hooks.append(process)
        return process

    def hook(self, event: str, given: dict[str, Any] | None = None) -> str:
        """Runs a hook to its end; its output."""
        return said(self.start(event, given or {}))

    def open(self, given: dict[str, Any], **environ: str) -> tuple[subprocess.Popen[str], str]:
        """Opens a dialog; its hook, which waits, and its message's id."""
        before = set(self.open_ids)
        process = self.start("PermissionRequest", given, **environ)
        self.show("waiting")
        wait_until(lambda: self.record.report and set(self.open_ids) - before)
        (new,) = set(self.open_ids) - before
        owner = reports.owner_mailbox(self.fleet.records, self.record)
        wait_until(lambda: owner.contains(new))
        time.sleep(0.3)  # it has looked at its dialog
        return process, new

    @property
    def open_ids(self) -> list[str]:
        return [one.id for one in requests.all_open(self.home)]

    @property
    def record(self) -> Worker:
        return self.fleet.worker(self.id)

    def end(self) -> None:
        for process in (self.claude, *self.hooks):
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    output = process.stdout.read()
    assert process.wait(20) == 0
    return output


def decided(process: subprocess.Popen[str]) -> dict[str, Any]:
    answer = json.loads(said(process))["hookSpecificOutput"]
    assert answer.pop("hookEventName") == "PermissionRequest"
    return dict(answer["decision"])


def new_worker(fleet: Fleet, repository: Path) -> Worker:
    """A record and a home, and no terminal. It is said to run: as long as these tests do."""
    worker_id = naming.new_worker_id()
    worker = Worker(
        id=worker_id,
        name=naming.worker_name("t", worker_id),
        title="t",
        owner=fleet.owner,
        created_at=now(),
        project=str(repository),
        path=str(repository),
        agent="claude",
        session_id=str(uuid.uuid4()),
        handle="/nowhere:t",
        mark=naming.new_mark(),
        status=Status.RUNNING,
        starter=processes.identity(os.getpid()),
    )
    fleet.records.create(worker)
    sessions.link(state_root(), worker.session_id, fleet.records.home(worker_id))
    return worker


@pytest.fixture
def session(repository: Path, fleet: Fleet) -> Iterator[Session]:
    worker = new_worker(fleet, repository)
    session = Session(fleet, worker.id, worker.session_id)
    yield session
    session.end()


def told(fleet: Fleet) -> list[Message]:
    """The mail, shown."""
    claim = fleet.claim_mail(most=50)
    if claim is None:
        return []
    claim.acknowledge()
    return claim.messages


def kinds(fleet: Fleet) -> list[str]:
    return [message.type for message in told(fleet)]


def refused(fleet: Fleet, worker_id: str, decision: str = "allow", **more: str) -> str:
    with pytest.raises(WorkerManagerError) as caught:
        fleet.answer(worker_id, decision, **more)
    return str(caught.value)


# What is asked, and what is answered


@pytest.mark.promise("dialog-answer")
@pytest.mark.parametrize(
    ("decision", "reason", "answer"),
    [
        ("allow", "", {"behavior": "allow"}),
        (" Allow", "", {"behavior": "allow"}),
        ("deny", "no \U0001f389", {"behavior": "deny", "message": "no \U0001f389"}),
        ("deny", "", {"behavior": "deny", "message": "Your orchestrator denied this."}),
    ],
)
def test_a_permission_is_answered_as_the_orchestrator_decides(
    session: Session, decision: str, reason: str, answer: dict[str, str]
) -> None:
    hook, request = session.open(BASH)
    (letter,) = told(session.fleet)
    blocked = session.record

    _, sent = session.fleet.answer(session.id, decision, reason=reason)

    assert (letter.type, letter.id) == ("permission", request)
    assert "permission to use Bash" in letter.body
    assert json.dumps(BASH["tool_input"], indent=1) in letter.body
    assert (blocked.status, blocked.reason) == (Status.BLOCKED, "permission: Bash")
    assert decided(hook) == answer
    assert sent.reply_to == request
    assert (session.record.status, session.open_ids) == (Status.RUNNING, [])
    assert told(session.fleet) == []


@pytest.mark.promise("dialog-question")
@pytest.mark.parametrize(
    ("given", "text", "answers"),
    [
        (ASK, "blue", {"Which color?": "Blue"}),
        (ASK, "Neither.\nTake green.", {"Which color?": "Neither.\nTake green."}),
        (ASK_BOTH, "red\n\n  huge ", {"Which color?": "Red", "Which size?": "huge"}),
    ],
)
@pytest.mark.parametrize("by_nudge", [True, False])
def test_a_question_is_answered_with_a_label_or_a_text(
    session: Session, given: dict[str, Any], text: str, answers: dict[str, str], by_nudge: bool
) -> None:
    hook, request = session.open(given)
    (letter,) = told(session.fleet)
    asking = session.record.status

    if by_nudge:
        session.fleet.nudge(session.id, text)
    else:
        session.fleet.answer(session.id, text)

    assert (letter.type, letter.id, asking) == ("question", request, Status.ASKING)
    assert "- Blue: cold" in letter.body
    updated = {**given["tool_input"], "answers": answers}
    assert decided(hook) == {"behavior": "allow", "updatedInput": updated}
    assert session.record.status is Status.RUNNING


def test_a_long_input_is_shown_in_part_and_its_file_holds_all_of_it(session: Session) -> None:
    content = "0123456789" * 5_000
    session.open({"tool_name": "Write", "tool_input": {"content": content}})
    owner = session.fleet.home

    shown = mail.take(owner)

    assert shown is not None
    assert len(shown.text) < 8_000
    shown.acknowledge()
    file = shown.text.partition("All of it is in ")[2].partition("]")[0]
    assert content in Path(file).read_text("utf-8")


def test_a_completed_worker_that_asks_for_permission_is_told_of_and_stays_completed(
    session: Session,
) -> None:
    reports.complete(session.fleet.records, session.id, "done")
    hook, request = session.open(BASH)

    assert [one.type for one in told(session.fleet)] == ["completion", "permission"]
    session.fleet.answer(session.id, "allow", request_id=request)

    assert decided(hook) == {"behavior": "allow"}
    assert session.record.status is Status.COMPLETED


def test_an_orchestrators_own_dialog_is_left_alone(
    fleet: Fleet, repository: Path, tmp_path: Path
) -> None:
    used = tmp_path / "used"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ntouch {used}\nexec {sys.executable} "$@"\n', "utf-8")
    python.chmod(0o755)
    orchestrators.open_home(state_root(), "session-1", str(repository))
    environ = {
        **os.environ,
        "CLAUDE_CODE_SESSION_ID": "session-1",
        "WORKER_MANAGER_PYTHON": str(python),
    }
    command = [str(CHECKOUT / "bin" / "worker-manager"), "--hook", "PermissionRequest"]

    def run(**more: str) -> str:
        return subprocess.run(
            command,
            env={**environ, **more},
            input=json.dumps(BASH),
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout

    assert run() == ""
    assert not used.exists()
    # A session that a worker starts for itself inherits its environment.
    assert run(WORKER_MANAGER_WORKER_ID="12345678") == ""
    assert not Path(state_root(), "logs").exists()
    assert told(fleet) == []


# What can't be answered


@pytest.mark.promise("dialog-answer")
@pytest.mark.parametrize(
    ("given", "decision", "more", "said"),
    [
        (BASH, "yes", {}, "There is no decision 'yes'. Choose allow or deny."),
        (BASH, "allow", {"reason": "why"}, "A message goes with deny only"),
        (BASH, "allow", {"request_id": "m000000000000"}, "has no open dialog 'm000000000000'"),
        (ASK, " ", {}, "The answer is empty"),
        (ASK_BOTH, "Red", {}, "asked 2 questions, and you gave 1 lines"),
    ],
)
def test_a_wrong_answer_says_what_is_wrong_and_decides_nothing(
    session: Session, given: dict[str, Any], decision: str, more: dict[str, str], said: str
) -> None:
    hook, request = session.open(given)
    told(session.fleet)

    assert said in refused(session.fleet, session.id, decision, **more)
    assert hook.poll() is None
    assert session.open_ids == [request]


def test_without_a_dialog_there_is_nothing_to_answer(session: Session) -> None:
    assert "(running) has no open dialog. list_workers" in refused(session.fleet, session.id)
    reports.ask(session.fleet.records, session.id, "tea?")
    assert "answer with nudge_worker" in refused(session.fleet, session.id)


@pytest.mark.promise("owner-apart")
def test_nobody_answers_for_another_sessions_worker(
    session: Session, repository: Path, tmux_socket: str
) -> None:
    other = make_fleet(repository, tmux_socket, "session-2")
    hook, _ = session.open(BASH)

    with pytest.raises(WorkerNotFound):
        other.answer(session.id, "allow")
    assert hook.poll() is None


def test_an_ended_worker_takes_no_answer(session: Session) -> None:
    reports.ended(session.fleet.records, session.id, exit_code=1, screen="")
    with pytest.raises(WorkerFinished):
        session.fleet.answer(session.id, "allow")


@pytest.mark.promise("dialog-answer")
def test_what_was_not_seen_yet_is_not_allowed_by_chance(session: Session) -> None:
    hook, request = session.open(BASH)

    assert "Call read_mail, then answer" in refused(session.fleet, session.id)
    assert hook.poll() is None
    session.fleet.answer(session.id, "allow", request_id=request)
    assert decided(hook) == {"behavior": "allow"}


def test_an_answer_can_be_given_once(session: Session) -> None:
    hook, request = session.open(BASH)
    session.fleet.answer(session.id, "deny", request_id=request)

    said = refused(session.fleet, session.id, "allow", request_id=request)

    assert said == f"You have answered {request} already."
    assert decided(hook)["behavior"] == "deny"


# Several at once


@pytest.mark.promise("dialog-several")
def test_two_dialogs_have_an_id_each_and_the_worker_waits_for_both(session: Session) -> None:
    first, first_id = session.open(BASH)
    second, second_id = session.open({**WRITE, "agent_id": "a1"})
    letters = told(session.fleet)

    assert "A subagent of it asks" in letters[1].body
    said = refused(session.fleet, session.id)
    assert f"waits for 2 answers: {first_id} (permission: Bash), {second_id}" in said
    session.fleet.answer(session.id, "deny", request_id=second_id)
    between = session.record
    session.fleet.answer(session.id, "allow")

    assert (between.status, between.reason) == (Status.BLOCKED, "permission: Bash")
    assert decided(second)["behavior"] == "deny"
    assert decided(first)["behavior"] == "allow"
    assert session.record.status is Status.RUNNING


@pytest.mark.promise("dialog-several")
def test_of_two_dialogs_that_ask_for_the_same_only_the_first_was_answered(
    session: Session,
) -> None:
    session.open(BASH)
    _, second = session.open(BASH)

    session.hook("PostToolUse", BASH)

    assert session.open_ids == [second]


@pytest.mark.promise("dialog-several")
def test_the_end_of_a_turn_leaves_a_subagents_dialog_open(session: Session) -> None:
    _, of_subagent = session.open({**BASH, "agent_id": "a1"})
    session.hook("PostToolUse", BASH)
    session.hook("UserPromptSubmit", {"prompt": "x"})
    assert session.open_ids == [of_subagent]

    session.hook("PostToolUse", {**BASH, "agent_id": "a1"})

    assert session.open_ids == []


@pytest.mark.promise("dialog-several")
def test_a_message_still_answers_the_ask_that_waits_beside_a_dialog(session: Session) -> None:
    with questions.waiting_for_answer(session.home) as waiting_for:
        asked = reports.ask(session.fleet.records, session.id, "tea?")
        waiting_for(asked.message_id)
        session.open(BASH)

        _, sent = session.fleet.nudge(session.id, "yes")

    assert (sent.type, sent.reply_to) == (messages.ANSWER, asked.message_id)


# The person at the terminal


def is_settled(session: Session, hook: subprocess.Popen[str]) -> str:
    """The letter that says how the dialog ended; its hook has ended in silence."""
    assert said(hook) == ""
    assert (session.record.status, session.open_ids) == (Status.RUNNING, [])
    (letter,) = [one for one in told(session.fleet) if one.type == "settled"]
    return letter.body


@pytest.mark.promise("dialog-terminal")
@pytest.mark.parametrize(
    ("event", "given"),
    [
        ("PostToolUse", BASH),
        ("PostToolUseFailure", BASH),
        ("UserPromptSubmit", {"prompt": "x"}),
        ("Stop", {}),
    ],
)
def test_a_hook_that_sees_the_worker_go_on_settles_its_dialog(
    session: Session, event: str, given: dict[str, Any]
) -> None:
    hook, request = session.open(BASH)

    session.hook(event, given)

    assert "answered or dismissed at its terminal" in is_settled(session, hook)
    assert "is over already" in refused(session.fleet, session.id, request_id=request)


@pytest.mark.promise("dialog-terminal")
def test_the_persons_answer_is_no_other_question(session: Session) -> None:
    hook, _ = session.open(ASK)
    answered = {**ASK["tool_input"], "answers": {"Which color?": "Red"}, "annotations": {}}

    session.hook("PostToolUse", {**ASK, "tool_input": answered})

    assert "at its terminal" in is_settled(session, hook)


@pytest.mark.promise("dialog-terminal")
def test_a_dialog_that_is_not_on_the_screen_any_more_is_settled(session: Session) -> None:
    hook, _ = session.open(BASH)

    session.show("busy")

    assert "at its terminal" in is_settled(session, hook)


@pytest.mark.promise("dialog-terminal")
def test_a_session_that_is_busy_between_two_dialogs_settles_none(session: Session) -> None:
    hook, request = session.open(BASH)

    session.show("busy")
    time.sleep(0.5)
    session.show("waiting")
    time.sleep(1)

    assert hook.poll() is None
    assert session.open_ids == [request]


@pytest.mark.promise("dialog-terminal")
def test_a_dismissed_dialog_is_settled_before_claude_code_kills_the_hook(session: Session) -> None:
    hook, _ = session.open(BASH)

    hook.terminate()
    session.show("idle")
    started = time.monotonic()

    assert "at its terminal" in is_settled(session, hook)
    assert time.monotonic() - started < 1.0


@pytest.mark.promise("dialog-terminal")
def test_two_that_see_the_end_of_a_dialog_tell_it_once(session: Session) -> None:
    session.open(BASH)
    both = [session.start(event, BASH) for event in ("PostToolUse", "Stop")]
    for one in both:
        said(one)

    assert kinds(session.fleet).count("settled") == 1


@pytest.mark.promise("dialog-terminal")
def test_what_the_orchestrator_decided_is_not_settled_by_one_who_looks_late(
    session: Session,
) -> None:
    hook, request = session.open(BASH)
    (seen,) = requests.all_open(session.home)
    session.fleet.answer(session.id, "allow", request_id=request)
    said(hook)

    dialogs.close(session.fleet.records, session.id, seen, dialogs.AT_TERMINAL)

    assert kinds(session.fleet) == ["permission"]


# Time-outs and kills


@pytest.mark.promise("dialog-time")
def test_after_the_time_limit_only_the_person_can_answer(session: Session) -> None:
    hook, request = session.open(BASH, WORKER_MANAGER_PERMISSION_WAIT_SECONDS="1")
    assert said(hook) == ""
    told(session.fleet)

    error = refused(session.fleet, session.id)

    assert "The dialog is left to the person: ask your user to answer it with: tmux" in error
    assert (session.record.status, session.open_ids) == (Status.BLOCKED, [request])
    session.hook("PostToolUse", BASH)
    assert kinds(session.fleet) == ["settled"]
    assert session.record.status is Status.RUNNING


@pytest.mark.promise("dialog-time")
def test_with_broken_settings_a_hook_waits_all_the_same(session: Session, repository: Path) -> None:
    (repository / "worker-manager.toml").write_text("nonsense", "utf-8")
    hook, request = session.open(BASH)

    session.fleet.answer(session.id, "allow", request_id=request)

    assert decided(hook) == {"behavior": "allow"}


def kill(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait()


@pytest.mark.promise("dialog-crash")
def test_a_killed_hook_leaves_the_dialog_to_the_person_until_a_later_event(
    session: Session,
) -> None:
    hook, request = session.open(BASH)
    kill(hook)

    for _ in range(2):
        assert "left to the person" in refused(session.fleet, session.id, request_id=request)
    assert session.record.status is Status.BLOCKED
    session.hook("UserPromptSubmit", {"prompt": "x"})

    assert (session.record.status, session.open_ids) == (Status.RUNNING, [])
    assert kinds(session.fleet) == ["permission", "settled"]


@pytest.mark.promise("dialog-crash")
@pytest.mark.parametrize("done", ["", "claim", "claim.acknowledge()"])
def test_an_answer_that_a_killed_hook_did_not_give_is_told_of_and_never_shown(
    session: Session, done: str
) -> None:
    hook, request = session.open(BASH)
    os.kill(hook.pid, signal.SIGSTOP)
    errors: list[str] = []
    answering = threading.Thread(
        target=lambda: errors.append(refused(session.fleet, session.id, request_id=request))
    )
    answering.start()
    box = Mailbox(mailbox_path(session.home))
    wait_until(box.waiting)
    if done:
        claim_as_another(session.home, request, done)
    kill(hook)
    answering.join()

    assert "left to the person" in errors[0]
    assert mail.take(session.home) is None
    assert session.hook("PostToolUse", WRITE) == ""
    assert box.waiting() == []
    assert session.open_ids == [request]


def claim_as_another(home: str, request: str, done: str) -> None:
    """Takes the answer in a process that then dies."""
    script = (
        "import os, sys; from worker_manager import reports\n"
        f"claim = reports.take_answer(*sys.argv[1:]); assert claim; {done}; os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, home, request], check=True)


@pytest.mark.promise("dialog-crash")
def test_an_answer_whose_sender_and_hook_were_killed_is_told_of_by_whoever_looks_next(
    session: Session,
) -> None:
    hook, request = session.open(BASH)
    kill(hook)
    answer = decision(session, request)
    Mailbox(mailbox_path(session.home)).deliver(answer)

    assert mail.take(session.home) is None
    session.fleet.reconcile()
    session.fleet.reconcile()

    letters = told(session.fleet)
    assert [one.type for one in letters] == ["permission", "settled"]
    assert "was not given" in letters[1].body
    assert Mailbox(mailbox_path(session.home)).waiting() == []


def decision(session: Session, request: str) -> Message:
    return Message(
        id=naming.message_id_of(f"{request} decision"),
        type=messages.DECISION,
        sender=session.fleet.owner,
        name="orchestrator",
        sent=now(),
        body=json.dumps({"behavior": "allow"}),
        reply_to=request,
    )


@pytest.mark.promise("dialog-crash")
def test_an_answer_whose_sender_was_killed_is_given(session: Session) -> None:
    hook, request = session.open(BASH)

    Mailbox(mailbox_path(session.home)).deliver(decision(session, request))

    assert decided(hook) == {"behavior": "allow"}


@pytest.mark.promise("dialog-crash")
def test_an_answer_that_comes_after_the_persons_is_not_used_and_not_shown(
    session: Session,
) -> None:
    hook, request = session.open(BASH)
    session.show("busy")
    Mailbox(mailbox_path(session.home)).deliver(decision(session, request))

    assert "was not used" in is_settled(session, hook)
    assert session.hook("UserPromptSubmit", {"prompt": "x"}) == ""


@pytest.mark.promise("dialog-crash")
def test_when_claude_was_killed_its_hook_ends_and_the_worker_fails(session: Session) -> None:
    hook, _ = session.open(BASH)
    kill(session.claude)

    assert said(hook) == ""
    reports.ended(session.fleet.records, session.id, exit_code=137, screen="")

    assert session.open_ids == []
    assert kinds(session.fleet) == ["permission", "failed"]


@pytest.mark.promise("dialog-crash")
def test_the_dialogs_of_a_former_process_are_gone(session: Session) -> None:
    hook, _ = session.open(BASH)
    kill(hook)

    Path(session.home, "server").write_text(str(os.getpid()), "utf-8")
    session.hook("SessionStart", {"session_id": session.session_id, "source": "resume"})

    (letter,) = [one for one in told(session.fleet) if one.type == "settled"]
    assert dialogs.RESTARTED in letter.body
    assert session.record.status is Status.RUNNING


def test_a_stopped_worker_opens_no_dialog(session: Session) -> None:
    records = session.fleet.records
    records.update(session.id, Worker.request_stop)
    reports.ended(records, session.id, exit_code=0, screen="")

    assert session.hook("PermissionRequest", BASH) == ""
    assert told(session.fleet) == []


def test_a_nudge_to_a_blocked_worker_answers_no_dialog(session: Session) -> None:
    hook, _ = session.open(BASH)

    _, sent = session.fleet.nudge(session.id, "allow")

    assert (sent.type, hook.poll()) == (messages.NUDGE, None)


def test_a_question_that_only_the_person_can_answer_takes_no_nudge(session: Session) -> None:
    hook, _ = session.open(ASK)
    kill(hook)

    with pytest.raises(InvalidInput, match="left to the person"):
        session.fleet.nudge(session.id, "Blue")


def test_a_second_answer_is_refused_while_the_first_is_not_taken_yet(session: Session) -> None:
    hook, request = session.open(BASH)
    os.kill(hook.pid, signal.SIGSTOP)
    Mailbox(mailbox_path(session.home)).deliver(decision(session, request))

    said = refused(session.fleet, session.id, "deny", request_id=request)
    os.kill(hook.pid, signal.SIGCONT)

    assert said == f"You have answered {request} already."
    assert decided(hook) == {"behavior": "allow"}


@pytest.mark.promise("dialog-crash")
def test_an_end_that_was_told_before_a_crash_is_told_once(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, _ = session.open(BASH)
    kill(hook)
    with monkeypatch.context() as crash:
        crash.setattr(requests, "forget", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            dialogs.close_all(session.home, dialogs.AT_TERMINAL, subagents_too=True)

    session.hook("Stop")

    assert kinds(session.fleet) == ["permission", "settled"]
    assert session.open_ids == []
