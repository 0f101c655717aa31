"""What is done to it, each part in real processes. A part gives its tally."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.conftest import CHECKOUT, end_tmux, make_fleet, make_repository
from tests.faults import actions
from tests.faults.injection import KILL, forks, run
from tests.faults.world import unaccounted
from tests.stress.tally import Tally
from tests.support.scripted.hooks import hook_command
from tests.support.scripted.workers import HANG
from tests.support.terminals.tmux import tmux_pid
from worker_manager.agents.claude.receipts import receipts as look
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.message import COMPLETION, Message
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.layout import mailbox_path, repository_of, state_root
from worker_manager.state.mail import receipts
from worker_manager.state.mail.mailbox import Mailbox

SESSION = "stress-session"


def completions(folder: Path, socket: str, *, workers: int = 64, rounds: int = 10) -> Tally:
    """So many workers complete at the same moment."""
    fleet = make_fleet(make_repository(folder / "repo"), socket, SESSION)
    tally = Tally()
    for number in range(rounds):
        ids = [f"{number:04x}{one:04x}" for one in range(workers)]
        for worker_id in ids:
            fleet.records.create(_idle_worker(fleet, worker_id))
        _at_once([(actions.complete_all, fleet.records.repository, one) for one in ids])
        for worker_id in ids:
            worker = fleet.records.load(worker_id)
            assert worker.report, f"{worker_id} has no report"
            tally.unaccounted += worker.status is not Status.COMPLETED
            tally.sent[worker.report.message_id] = f"done {worker_id}"
    _drain(Mailbox(mailbox_path(fleet.home)), tally)
    return tally


def crowd(
    folder: Path, socket: str, *, writers: int = 32, readers: int = 8, messages: int = 20_000
) -> Tally:
    """Writers and readers on one mailbox; every second reader is a hook, the others read_mail."""
    fleet = make_fleet(make_repository(folder / "repo"), socket, SESSION)
    each = messages // writers
    tally = Tally()
    for writer in range(writers):
        tally.sent.update({one.id: one.body for one in letters(writer, each)})
    sending = [
        forks.Process(target=actions.deliver_all, args=(fleet.home, letters(writer, each)))
        for writer in range(writers)
    ]
    stop = folder / "stop"
    kinds = (["hook", "tool"] * readers)[:readers]
    reading = [
        _start_reader(kind, fleet.home, stop, folder / f"read-{number}")
        for number, kind in enumerate(kinds)
    ]
    for process in sending:
        process.start()
    for process in sending:
        process.join()
        tally.unaccounted += process.exitcode != 0
    stop.touch()
    for number, reader in enumerate(reading):
        tally.unaccounted += reader.wait() != 0
        for line in (folder / f"read-{number}").read_text("utf-8").splitlines():
            tally.see_text(json.loads(line))
    return tally


def killed_hooks(folder: Path, socket: str, *, kills: int = 500, waiting: int = 20) -> Tally:
    """Hooks killed at random while messages wait. What a killed hook wrote is dropped, as by
    Claude Code; its repeat must be marked all the same.
    """
    fleet = make_fleet(make_repository(folder / "repo"), socket, SESSION)
    box, transcript = Mailbox(mailbox_path(fleet.home)), folder / "transcript"
    transcript.touch()
    tally, killed, seconds = Tally(), 0, _seconds_of_a_hook(box)
    receipts.note_transcript(fleet.home, str(transcript))
    # Without end: how many are read between two kills depends on the machine.
    supply = (letter for sender in itertools.count(2) for letter in letters(sender, 100))
    dice = random.Random(1)
    while killed < kills:
        while len(box.waiting()) < waiting:
            letter = next(supply)
            box.deliver(letter)
            tally.sent[letter.id] = letter.body
        text, was_killed = _hook(after=dice.uniform(0, 1.3 * seconds))
        killed += was_killed
        if not was_killed:
            _show(text, tally, transcript)
    while True:
        receipts.requeue_unconfirmed(fleet.home, look, restarted=True)
        text, _ = _hook(after=None)
        if not text:
            return tally
        _show(text, tally, transcript)


def killed_starts(folder: Path, socket: str, *, every: int = 1) -> Tally:
    """A start killed at every step."""
    project = make_repository(folder / "repo")
    fleet, tally = make_fleet(project, socket, SESSION), Tally()
    root = state_root()
    for at in range(1, 400, every):
        outcome = run(
            actions.start, root, fleet.home, str(project), socket, root=root, fault=KILL, at=at
        )
        tally.unaccounted += len(unaccounted(fleet, project, socket))
        if not outcome.killed:
            break
    _expect_failures(fleet, tally)
    return tally


def killed_tmux(folder: Path, socket: str, *, workers: int = 20, hard: bool = True) -> Tally:
    """The tmux server killed (`hard`: by SIGKILL) with workers up."""
    fleet, tally = make_fleet(make_repository(folder / "repo"), socket, SESSION), Tally()
    started = [fleet.start(StartRequest(f"t {number}", HANG)).worker for number in range(workers)]
    pid = tmux_pid(socket)
    if hard:
        os.kill(pid, signal.SIGKILL)
    else:
        end_tmux(socket)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ours = {one.id: one for one in fleet.workers()}
        if all(ours[one.id].finished for one in started):
            break
        time.sleep(0.2)
    _expect_failures(fleet, tally)
    tally.unaccounted += workers - len(tally.sent)
    return tally


def starts(folder: Path, socket: str, *, workers: int = 16, rounds: int = 20) -> Tally:
    """So many workers start on one repository at the same moment; the setup of each commits and
    packs the references while others still start. It ends with 7: no agent is needed.
    """
    project = make_repository(folder / "repo")
    fleet, tally = make_fleet(project, socket, SESSION), Tally()
    # Who packs while others do may be told to come again later.
    setup = "git commit -q --allow-empty -m x; code=$?; git pack-refs --all; exit $((code + 7))"
    given = (actions.start_together, state_root(), fleet.home, str(project), socket, setup)
    for number in range(1, rounds + 1):
        _at_once([given] * workers)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            ended = [one for one in fleet.records.all() if one.exit_code is not None]
            if len(ended) == number * workers:
                break
            time.sleep(0.1)
        end_tmux(socket)
    ours = fleet.records.all()
    # Of its setup: the terminals are ended while the last ones still tell their own code.
    wrong = [one for one in ours if "failed, exit code 7;" not in one.reason]
    for one in wrong:
        sys.stdout.write(f"{one.name}: {one.reason}\n")
    tally.unaccounted = rounds * workers - len(ours) + len(wrong)
    tally.unaccounted += len(unaccounted_worktrees(project, ours))
    _expect_failures(fleet, tally)
    return tally


def unaccounted_worktrees(project: Path, workers: list[Worker]) -> set[str]:
    """Without a record, or records without one."""
    trees = {path.name for path in (project / ".worktrees").iterdir()}
    return trees ^ {one.name for one in workers}


def letters(sender: int, count: int) -> list[Message]:
    """Numbered messages of one sender, of different sizes."""
    return [
        Message(
            id=f"m{sender:04x}{number:08x}",
            type=COMPLETION,
            sender=f"{sender:08x}",
            name="n",
            sent="now",
            body=f"{sender} {number} " + "x" * (number * 37 % 300),
        )
        for number in range(count)
    ]


def _expect_failures(fleet: Fleet, tally: Tally) -> None:
    """Each failed worker has told so once; nobody else has told anything."""
    fleet.reconcile()
    for worker in fleet.workers():
        if worker.status is Status.FAILED:
            assert worker.report
            tally.sent[worker.report.message_id] = worker.report.text
    _drain(Mailbox(mailbox_path(fleet.home)), tally)


def _drain(box: Mailbox, tally: Tally) -> None:
    while (claim := box.claim()) is not None:
        for message in claim.messages:
            tally.see(message.id, message.body, repeat=message.repeat)
        claim.acknowledge()


def _start_reader(kind: str, home: str, stop: Path, output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.stress.reader", kind, home, str(stop), SESSION]
    with output.open("wb") as file:
        return subprocess.Popen(command, stdout=file, cwd=CHECKOUT)


def _at_once(calls: Sequence[tuple[Callable[..., None], *tuple[object, ...]]]) -> None:
    barrier = forks.Barrier(len(calls))
    processes = [
        forks.Process(target=action, args=(barrier, *arguments)) for action, *arguments in calls
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def _hook(after: float | None) -> tuple[str, bool]:
    """Runs a hook as Claude Code does, killed after so many seconds; its text, and whether it
    was killed.
    """
    environment = {
        **os.environ,
        "WORKER_MANAGER_PYTHON": sys.executable,
        "CLAUDE_CODE_SESSION_ID": SESSION,
        "CLAUDE_CODE_ENTRYPOINT": "cli",
    }
    command = hook_command("UserPromptSubmit")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) as process:
        try:
            output, _ = process.communicate(b"{}", timeout=after)
        except subprocess.TimeoutExpired:
            process.kill()
            return "", process.wait() < 0
    if not output:
        return "", False
    return str(json.loads(output)["hookSpecificOutput"]["additionalContext"]), False


def _seconds_of_a_hook(box: Mailbox) -> float:
    """From its start to its end, here and now: so that kills fall in between."""
    took = []
    for letter in letters(1, 5):
        box.deliver(letter)
        started = time.monotonic()
        assert letter.id in _hook(after=None)[0]
        took.append(time.monotonic() - started)
    return sorted(took)[2]


def _show(text: str, tally: Tally, transcript: Path) -> None:
    """The model reads it, and it stands in the transcript."""
    with transcript.open("a", encoding="utf-8") as file:
        for message_id in tally.see_text(text):
            file.write(json.dumps({"type": "attachment", "text": message_id}) + "\n")
        file.write(json.dumps({"type": "assistant", "text": "I have read it."}) + "\n")


def _idle_worker(fleet: Fleet, worker_id: str) -> Worker:
    return Worker(
        id=worker_id,
        name=worker_id,
        title="t",
        owner=fleet.owner,
        created_at="2026",
        project=repository_of(fleet.home),
        path="/",
        agent="scripted",
        session_id=worker_id,
        handle="",
        mark="m",
        status=Status.RUNNING,
    )
