"""Workers to whom everything happens at random, and what their orchestrator heard of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.conftest import make_fleet, make_repository
from tests.stress.tally import Tally
from worker_manager.fleet import Fleet, Wanted
from worker_manager.models import Worker

WAIT_SECONDS = 180


class Life(NamedTuple):
    """What the scripted agent does, what is done to it, and what must be heard in the end."""

    steps: str
    done_to_it: str
    letters: tuple[str, ...]
    status: str


LIVES = {
    "completes": Life('[{"complete": "done"}]', "", ("completion",), "completed"),
    "asks": Life(
        '[{"ask": "which?"}, {"complete": "{answer}"}]',
        "answer",
        ("question", "completion"),
        "completed",
    ),
    "crashes": Life('[{"crash": 3}]', "", ("failed",), "failed"),
    "says nothing": Life('[{"idle": 600}]', "", ("stalled",), "running"),
    "is killed": Life('[{"hang": true}]', "kill", ("failed",), "failed"),
    "is stopped": Life('[{"hang": true}]', "stop", (), "stopped"),
    "is asked to stop": Life('[{"hang": true}]', "ask to stop", (), "stopped"),
    "is restored": Life('[{"hang": true}]', "stop, restore", ("completion",), "completed"),
    "completes, is spoken to": Life(
        '[{"complete": "done"}, {"idle": 600}, {"complete": "again"}]',
        "nudge",
        ("completion", "completion"),
        "completed",
    ),
}


def lives(folder: Path, socket: str, *, workers: int = 20) -> Tally:
    """Lives them all, then compares. A mismatch is `unaccounted`, and printed."""
    fleet = make_fleet(
        make_repository(folder / "repo"), socket, "stress-session", stop_grace_seconds=1
    )
    dice, tally, heard = random.Random(2), Tally(), Counter[tuple[str, str]]()
    names = [*LIVES, *dice.choices(list(LIVES), k=max(0, workers - len(LIVES)))]
    started = {fleet.start(_wanted(LIVES[name])).worker.id: LIVES[name] for name in names}
    to_do = dict(started)
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and not _agrees(fleet, started, heard):
        fleet.watch()
        _hear(fleet, tally, heard)
        for worker in fleet.workers():
            if worker.id in to_do and _act(fleet, worker, to_do[worker.id].done_to_it, heard):
                del to_do[worker.id]
        time.sleep(0.2)
    time.sleep(3)  # what comes too much comes late
    _hear(fleet, tally, heard)
    tally.unaccounted = 0 if _agrees(fleet, started, heard, tell=True) else 1
    return tally


def _wanted(life: Life) -> Wanted:
    return Wanted("life", f"```steps\n{life.steps}\n```")


def _act(fleet: Fleet, worker: Worker, what: str, heard: Counter[tuple[str, str]]) -> bool:
    """Does to a worker what is to be done to it, when it is time; whether it was."""
    if what == "answer":
        if worker.status != "asking":
            return False
        fleet.nudge(worker.id, "this one")
    elif what == "nudge":
        if not heard[worker.id, "completion"]:
            return False
        fleet.nudge(worker.id, "once more")
    elif what:
        if worker.status != "running":
            return False
        _end(fleet, worker, what)
    return True


def _end(fleet: Fleet, worker: Worker, what: str) -> None:
    if what == "ask to stop":
        fleet.ask_to_stop(worker.id)
    elif what == "kill":
        for pid in _programs(int(worker.process.partition("-")[0])):
            with suppress(ProcessLookupError):  # it went with its parent
                os.kill(pid, signal.SIGKILL)
    else:
        fleet.stop(worker.id)
        if what == "stop, restore":
            time.sleep(1)
            fleet.restore(worker.id)


def _programs(pid: int) -> list[int]:
    """A process and all that it has started."""
    command = ["ps", "-o", "pid=", "--ppid", str(pid)]
    children = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return [pid, *(one for child in children for one in _programs(int(child)))]


def _hear(fleet: Fleet, tally: Tally, heard: Counter[tuple[str, str]]) -> None:
    claim = fleet.claim_mail(most=50)
    if claim is None:
        return
    for message in claim.messages:
        tally.sent.setdefault(message.id, message.body)
        tally.see(message.id, message.body, repeat=message.repeat)
        heard[message.sender, message.type] += 1
    claim.acknowledge()


def _agrees(
    fleet: Fleet,
    started: dict[str, Life],
    heard: Counter[tuple[str, str]],
    *,
    tell: bool = False,
) -> bool:
    """Whether each life ended as it must, with just the letters that it must have."""
    agrees = True
    for worker in fleet.workers():
        life = started[worker.id]
        letters = sorted(kind for (sender, kind) in heard.elements() if sender == worker.id)
        if letters == sorted(life.letters) and worker.status == life.status:
            continue
        agrees = False
        if tell:
            heard_as = f"{letters}, {worker.status} ({worker.reason})"
            sys.stdout.write(f"{life}\n  was heard as {heard_as}\n")
    return agrees
