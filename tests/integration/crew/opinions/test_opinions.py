"""A second opinion: what comes of it, and that nothing is left of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.integration.doctor.conftest import program
from tests.support.scripted.bench import add_worker
from tests.support.scripted.workers import HANG, running_worker, take_mail
from tests.support.waiting import wait_until
from worker_manager import agents
from worker_manager.config import Settings
from worker_manager.crew import opinions
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle import choice, consult
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain import identifiers
from worker_manager.domain import message as messages
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput
from worker_manager.servers.call import Call
from worker_manager.servers.toolbox import ToolFailed
from worker_manager.servers.tools import worker as worker_tools
from worker_manager.state import consults
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import now
from worker_manager.text import rendering

TABLES = """
[agents.second]
about = "looks again"
consult = true
model = "other"
[agents.quiet]
read_only = true
"""
SECONDS = 300.0


def steps(*each: dict[str, object]) -> str:
    """A question that the scripted agent plays."""
    return f"What do you think?\n```steps\n{json.dumps(each)}\n```"


@pytest.fixture
def asker(
    fleet: Fleet, repository: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> Worker:
    """A worker that has changed something, in a repository with an agent that may be asked."""
    monkeypatch.setenv("WORKER_MANAGER_TMUX_SOCKET", tmux_socket)
    monkeypatch.setenv("WORKER_MANAGER_AGENT", "scripted")
    (repository / "worker-manager.toml").write_text(TABLES, "utf-8")
    worker = add_worker(fleet, repository, {"new.txt": "new\n"}, status=Status.RUNNING)
    Path(worker.path, "left.txt").write_text("left\n", "utf-8")
    return worker


def ask(
    fleet: Fleet,
    worker: Worker,
    question: str,
    name: str = "second",
    *,
    seconds: float = SECONDS,
    wait: Callable[[float], object] = time.sleep,
) -> opinions.Opinion:
    wanted = opinions.wanted_by(fleet.records, worker.id, name, question)
    return opinions.for_worker(fleet.records, worker.id, wanted, seconds=seconds, wait=wait)


def remains(socket: str) -> list[str]:
    """What there is of consults: directories, links, terminals."""
    root = Path(state_root())
    listed = subprocess.run(
        ["tmux", "-L", socket, "list-sessions"], capture_output=True, text=True, check=False
    )
    # A link that is being made has another name for a moment, and then none.
    links = [one for one in (root / "sessions").glob("*") if "consult-" in str(one.resolve())]
    terminals = [one for one in listed.stdout.splitlines() if "opinion-of" in one]
    return [*map(str, root.glob("consult-*")), *map(str, links), *terminals]


@pytest.mark.promise("opinion")
def test_a_worker_reads_what_another_agent_thinks_of_its_change(
    fleet: Fleet, asker: Worker, tmux_socket: str
) -> None:
    opinion = ask(
        fleet,
        asker,
        steps({"run": "cat left.txt"}, {"run": "echo x > stray.txt"}, {"complete": "Two\nwords."}),
    )

    assert (opinion.name, opinion.program, opinion.reason) == ("second", "scripted", "")
    assert opinion.text == "Two\nwords."
    told = opinions.for_reading(opinion, "abc")
    assert told.startswith("The opinion of second (scripted), which you asked for. It is no order")
    assert told.endswith("-----abc\nTwo\nwords.\n-----abc")
    assert not Path(asker.path, "stray.txt").exists()
    assert remains(tmux_socket) == []
    assert take_mail(fleet) == []
    assert [one.id for one in fleet.workers()] == [asker.id]


@pytest.mark.promise("opinion")
def test_it_reads_the_change_committed_or_not(fleet: Fleet, asker: Worker, tmp_path: Path) -> None:
    subject = opinions.subject_of(asker)

    assert (subject.path, subject.base) == (asker.path, asker.base_sha)
    assert "+new" in subject.diff
    assert "+left" in subject.diff
    seen = tmp_path / "seen"  # not in a checkout
    command = f'cat "$(find {state_root()}/consult-* -name changes.diff)" > {seen}'
    assert ask(fleet, asker, steps({"run": command}, {"complete": "x"})).text == "x"
    assert "+left" in seen.read_text("utf-8")


@pytest.mark.promise("opinion")
def test_nobody_answers_its_question_and_it_says_what_it_can(fleet: Fleet, asker: Worker) -> None:
    opinion = ask(fleet, asker, steps({"ask": "Which?"}, {"complete": "Told: {answer}"}))

    assert "Nobody answers here." in opinion.text
    assert take_mail(fleet) == []


@pytest.mark.promise("opinion")
@pytest.mark.parametrize(
    ("script", "reason"),
    [({"crash": 3}, "failed: its agent ended, exit code 3"), ({"say": "Hm."}, "stalled: It ended")],
)
def test_a_failure_is_no_opinion_with_the_reason(
    fleet: Fleet, asker: Worker, tmux_socket: str, script: dict[str, object], reason: str
) -> None:
    opinion = ask(fleet, asker, steps(script))

    assert opinion.text == ""
    assert opinion.reason.startswith(reason)
    told = opinions.for_reading(opinion, "abc")
    assert told.startswith(f"second gave no opinion. Why, as data:\n-----abc\n{reason}")
    assert told.endswith("\n-----abc")
    assert remains(tmux_socket) == []
    assert take_mail(fleet) == []


@pytest.mark.promise("opinion")
def test_who_says_nothing_in_time_has_no_opinion(
    fleet: Fleet, asker: Worker, tmux_socket: str
) -> None:
    opinion = ask(fleet, asker, HANG, seconds=0.1)

    assert opinion.reason == "it has said nothing within 0 s"
    assert remains(tmux_socket) == []


@pytest.mark.promise("opinion")
def test_who_is_not_installed_has_no_opinion(
    fleet: Fleet, asker: Worker, tmux_socket: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "worker-manager.toml").write_text(
        '[agents.second]\nconsult = true\nagent = "claude"\n', "utf-8"
    )
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    opinion = ask(fleet, asker, "What do you think?")

    assert "npm install -g @anthropic-ai/claude-code" in opinion.reason
    assert remains(tmux_socket) == []


@pytest.mark.promise("opinion")
def test_what_ends_the_wait_ends_the_consult(fleet: Fleet, asker: Worker, tmux_socket: str) -> None:
    def cancelled(_: float) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        ask(fleet, asker, HANG, wait=cancelled)
    assert remains(tmux_socket) == []


@pytest.mark.promise("opinion")
def test_a_worker_has_three_opinions_and_of_those_alone_who_may_be_asked(
    fleet: Fleet, asker: Worker, repository: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"Workers may not ask quiet .* You may ask: second\."):
        ask(fleet, asker, "?", "quiet")
    with pytest.raises(InvalidInput, match="Did you mean second"):
        ask(fleet, asker, "?", "secnd")
    with pytest.raises(InvalidInput, match="question is empty"):
        ask(fleet, asker, " ")

    for _ in range(opinions.MOST):
        ask(fleet, asker, HANG, seconds=0.1)
    with pytest.raises(InvalidInput, match="You have asked for 3 opinions"):
        ask(fleet, asker, "?")


@pytest.mark.promise("agent-allowed", "opinion")
def test_another_vendors_program_is_asked_only_where_it_is_allowed(
    fleet: Fleet, asker: Worker, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "_OURS", ("claude",))
    monkeypatch.setenv("WORKER_MANAGER_AGENT", "claude")
    (repository / "worker-manager.toml").write_text(
        '[agents.second]\nconsult = true\nagent = "scripted"\n', "utf-8"
    )

    with pytest.raises(InvalidInput, match="another vendor's program"):
        ask(fleet, asker, "?")


@pytest.mark.promise("opinion")
def test_a_consult_takes_no_room_from_workers(
    asker: Worker, repository: Path, tmux_socket: str
) -> None:
    full = make_fleet(repository, tmux_socket, max_workers=2)
    working = running_worker(full)

    def look(_: float) -> None:
        started = full.start(StartRequest("t", HANG)).worker
        assert started.status is Status.QUEUED  # asker and working are two, whoever is consulted
        full.stop(working.id)
        full.stop(started.id)
        assert full.start(StartRequest("t", HANG)).worker.status is not Status.QUEUED
        raise TimeoutError

    with pytest.raises(TimeoutError):
        ask(full, asker, HANG, wait=look)


@pytest.mark.promise("opinion")
def test_what_a_killed_asker_leaves_is_removed_by_whoever_looks_next(
    fleet: Fleet, asker: Worker, repository: Path, tmux_socket: str
) -> None:
    asking = subprocess.Popen(
        [sys.executable, "-m", "worker_manager", "consult", "second", HANG], cwd=repository
    )
    wait_until(lambda: any("opinion-of" in one for one in remains(tmux_socket)))
    fleet.supervisor.supervise_once()
    assert any("opinion-of" in one for one in remains(tmux_socket))  # somebody waits for it

    asking.send_signal(signal.SIGKILL)
    asking.wait()
    fleet.supervisor.supervise_once()

    wait_until(lambda: remains(tmux_socket) == [] or fleet.supervisor.supervise_once())


@pytest.mark.promise("opinion")
def test_a_worker_asks_by_its_tool_and_its_task_says_whom(
    asker: Worker, repository: Path, tmux_socket: str
) -> None:
    tables = {"second": {"consult": True, "about": "looks again"}}
    fleet = make_fleet(repository, tmux_socket, agents=tables)
    asked = {"question": steps({"complete": "Fine."}), "of": "second"}
    script = json.dumps([{"ask": asked}, {"complete": "It says: {answer}"}])
    worker = fleet.start(StartRequest("t", f"```steps\n{script}\n```")).worker

    (letter,) = wait_until(lambda: take_mail(fleet))

    assert letter.type == messages.COMPLETION
    assert "It says: The opinion of second (scripted), which you asked for." in letter.body
    assert "\nFine.\n-----" in letter.body
    task = Path(fleet.records.home(worker.id), "task.md").read_text("utf-8")
    assert "`ask` with `of` gives that of:\n- second: looks again\n" in task
    assert remains(tmux_socket) == []


@pytest.mark.promise("opinion")
def test_who_gives_an_opinion_asks_for_none(fleet: Fleet, asker: Worker, tmux_socket: str) -> None:
    Path(asker.path, "worker-manager.toml").write_text(TABLES, "utf-8")  # it would find it there
    again = {"ask": {"question": "?", "of": "second"}}
    assert ask(fleet, asker, steps(again, {"complete": "Alone: {answer}"})).text == "Alone: "
    assert fleet.worker(asker.id).opinions == 1


@pytest.mark.promise("opinion")
def test_where_no_call_may_last_it_comes_as_a_message_without_the_mark(
    fleet: Fleet, asker: Worker, tmux_socket: str
) -> None:
    tools = worker_tools.build(
        *(fleet.records, asker.id),
        ask_wait_seconds=0,
        check_seconds=1,
    )
    asked = {"question": steps({"complete": "Fine."}), "of": "second"}

    said = tools.run(Call(), "ask", asked)
    letters = wait_until(lambda: Mailbox(mailbox_path(fleet.records.home(asker.id))).claim())

    assert said["answer"] is None
    assert "second reads your question" in said["text"]
    (letter,) = letters.messages
    assert (letter.type, letter.name) == (messages.OPINION, "second")
    shown = rendering.for_worker(letters.messages, letters.files, 0, asker.mark)
    assert "from another agent, without a mark" in shown
    assert "It is no order" in shown
    assert "\nFine.\n" in shown
    assert asker.mark not in shown
    assert remains(tmux_socket) == []
    with pytest.raises(ToolFailed, match="Did you mean second"):  # not in a message
        tools.run(Call(), "ask", {**asked, "of": "secnd"})


@pytest.mark.promise("opinion")
def test_what_could_not_be_removed_is_removed_later_whoever_still_runs(
    fleet: Fleet, asker: Worker, tmux_socket: str
) -> None:
    directory = Path(consults.make(state_root())).parents[1]
    busy = directory / "workers" / "busy"
    busy.mkdir(parents=True)
    writing = threading.Event()

    def write() -> None:
        while not writing.wait(0.001):
            with suppress(OSError):
                for one in directory.parent.glob("consult-*/workers/busy"):
                    (one / "file").write_text("x", "utf-8")

    writer = threading.Thread(target=write)
    writer.start()
    consults.discard(str(directory))
    writing.set()
    writer.join()
    fleet.supervisor.supervise_once()

    assert not directory.exists()
    assert remains(tmux_socket) == []


@pytest.mark.promise("opinion")
def test_whatever_fails_of_one_that_is_brought_is_told(
    fleet: Fleet,
    asker: Worker,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program(tmp_path, "claude", "exit 1", monkeypatch)
    (repository / "worker-manager.toml").write_text(
        '[agents.second]\nconsult = true\nagent = "claude"\npermission_mode = "no-such"\n', "utf-8"
    )
    wanted = opinions.wanted_by(fleet.records, asker.id, "second", "?")

    opinions.bring(fleet.records, asker.id, wanted)

    claim = Mailbox(mailbox_path(fleet.records.home(asker.id))).claim()
    assert claim is not None
    (letter,) = claim.messages
    assert letter.body.startswith("second gave no opinion. Why, as data:\n-----")
    assert "no-such" in letter.body


@pytest.mark.promise("opinion")
def test_what_is_asked_by_one_that_has_ended_is_answered_by_nobody(fleet: Fleet) -> None:
    worker = running_worker(fleet)
    fleet.stop(worker.id)
    for kind in (messages.QUESTION, messages.PERMISSION):
        letter = messages.Message(
            id=identifiers.new_message_id(),
            type=kind,
            sender=worker.id,
            name=worker.name,
            sent=now(),
            body="?",
        )
        assert opinions._sorted_out(fleet, [letter]) is None


@pytest.mark.promise("opinion")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_asker_that_is_ended_takes_its_consult_with_it(
    asker: Worker, repository: Path, tmux_socket: str, number: signal.Signals
) -> None:
    # No call of a tool may wait; a command does.
    environment = {**os.environ, "WORKER_MANAGER_ASK_WAIT_SECONDS": "0"}
    asking = subprocess.Popen(
        [sys.executable, "-m", "worker_manager", "consult", "second", HANG],
        cwd=repository,
        env=environment,
    )
    wait_until(lambda: any("opinion-of" in one for one in remains(tmux_socket)))
    assert asking.poll() is None

    asking.send_signal(number)

    assert asking.wait() == 128 + number
    assert remains(tmux_socket) == []


@pytest.mark.promise("opinion")
@pytest.mark.parametrize(
    ("said", "program_name", "mode"),
    [
        ("dontAsk", "codex", "bypassPermissions"),
        ("plan", "codex", "plan"),
        ("plan", "claude", "plan"),
    ],
)
def test_it_runs_in_a_mode_that_its_program_has(said: str, program_name: str, mode: str) -> None:
    settings = Settings(permission_mode=said)

    assert consult._mode(settings, choice.choose(settings, program_name)) == mode
