"""Workers to whom everything happens at random, and what their orchestrator saw and heard of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.conftest import make_fleet, make_repository
from tests.stress import real_lives
from tests.stress.tally import Tally
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Worker

WAIT_SECONDS = 420
Heard = Counter[tuple[str, str]]


class Life(NamedTuple):
    """The worker's task, what is done to it (words of `_DEEDS`, in this order), which letters must
    be heard in all, and which statuses be seen in this order, the last one in the end.
    """

    name: str
    task: str
    deeds: tuple[str, ...]
    letters: tuple[str, ...]
    statuses: tuple[str, ...]
    agent: str = "scripted"
    permission_mode: str = "bypassPermissions"


def _plays(name: str, steps: str, deeds: str, letters: str, statuses: str) -> Life:
    def words(text: str) -> tuple[str, ...]:
        return tuple(text.split(", ")) if text else ()

    return Life(name, f"```steps\n{steps}\n```", words(deeds), words(letters), words(statuses))


HANG = '[{"hang": true}]'
SCRIPTED = (
    _plays("completes", '[{"complete": "done"}]', "", "completion", "completed"),
    _plays(
        "asks",
        '[{"ask": "which?"}, {"complete": "{answer}"}]',
        "answer",
        "question, completion",
        "asking, completed",
    ),
    _plays("crashes", '[{"crash": 3}]', "", "failed", "failed"),
    _plays("says nothing", '[{"idle": 600}]', "", "stalled", "running"),
    _plays("is killed", HANG, "kill", "failed", "running, failed"),
    _plays("is stopped", HANG, "stop", "", "running, stopped"),
    _plays("is asked to stop", HANG, "ask to stop", "", "running, stopped"),
    _plays("is restored", HANG, "stop, restore", "completion", "running, stopped, completed"),
    _plays(
        "is spoken to",
        '[{"complete": "done"}, {"idle": 600}, {"complete": "again"}]',
        "nudge",
        "completion, completion",
        "completed, completed",
    ),
)


class Run(NamedTuple):
    """The workers, what is still to be done to each, and what was heard and seen of them."""

    fleet: Fleet
    started: dict[str, Life]
    to_do: dict[str, list[str]]
    heard: Heard
    seen: dict[str, list[str]]


def lives(
    folder: Path, socket: str, *, workers: int = 20, real: str = "", late: float = 5
) -> Tally:
    """Lives them all, then compares. Each mismatch is `unaccounted`; a line for each worker is
    printed. `real` is a version of Claude Code that lives some of them, none when empty. What comes
    too much comes late: so many seconds are waited for it.
    """
    with _place(folder, real) as (repository, chosen):
        fleet = make_fleet(
            repository, socket, "stress-session", stop_grace_seconds=1, idle_seconds=20
        )
        dice = random.Random(2)
        chosen += dice.choices(SCRIPTED, k=max(0, workers - len(chosen)))
        dice.shuffle(chosen)
        started = {fleet.start(_wanted(life)).worker.id: life for life in chosen}
        to_do = {worker_id: list(life.deeds) for worker_id, life in started.items()}
        run, tally = Run(fleet, started, to_do, Counter(), defaultdict(list)), Tally()
        _live(run, tally, late)
        tally.unaccounted = _compare(run)
    return tally


@contextmanager
def _place(folder: Path, real: str) -> Iterator[tuple[Path, list[Life]]]:
    """A repository, and the lives that must be lived in any case."""
    if not real:
        yield make_repository(folder / "repo"), list(SCRIPTED)
        return
    with real_lives.laboratory(real) as (repository, scripts):
        yield repository, [*SCRIPTED, *(Life(**script) for script in scripts)]


def _wanted(life: Life) -> StartRequest:
    return StartRequest("life", life.task, agent=life.agent, permission_mode=life.permission_mode)


def _live(run: Run, tally: Tally, late: float) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and not _has_ended(run):
        run.fleet.supervisor.supervise_once()
        _look_and_act(run)
        _hear(run, tally)
        time.sleep(0.2)
    time.sleep(late)
    run.fleet.supervisor.supervise_once()
    _hear(run, tally)


def _look_and_act(run: Run) -> None:
    for worker in run.fleet.workers():
        seen = run.seen[worker.id]
        if not seen or seen[-1] != worker.status:
            seen.append(worker.status.value)
        to_do = run.to_do[worker.id]
        if to_do and _DEEDS[to_do[0]](run, worker):
            del to_do[0]


def _hear(run: Run, tally: Tally) -> None:
    claim = run.fleet.claim_mail(most=50)
    if claim is None:
        return
    for message in claim.messages:
        tally.sent.setdefault(message.id, message.body)
        tally.see(message.id, message.body, repeat=message.repeat)
        run.heard[message.sender, message.type] += 1
    claim.acknowledge()


def _has_ended(run: Run) -> bool:
    return all(_agrees(run, worker) for worker in run.fleet.workers())


def _compare(run: Run) -> int:
    """Prints what was to happen and what was told of it; gives the number of mismatches."""
    wrong = 0
    for worker in run.fleet.workers():
        life, agrees = run.started[worker.id], _agrees(run, worker)
        wrong += not agrees
        letters, statuses = ", ".join(_letters(run, worker)), " > ".join(run.seen[worker.id])
        sys.stdout.write(
            f"{'ok ' if agrees else 'BAD'} {life.agent:8} {life.name:22} {statuses} [{letters}]\n"
        )
        if not agrees:
            sys.stdout.write(f"    meant: {life.statuses} {life.letters}, to do: ")
            sys.stdout.write(f"{run.to_do[worker.id]}, it says: {worker.reason}\n")
    return wrong


def _agrees(run: Run, worker: Worker) -> bool:
    life, seen = run.started[worker.id], iter(run.seen[worker.id])
    letters_agree = _letters(run, worker) == sorted(life.letters)
    seen_in_order = all(status in seen for status in _distinct(life.statuses))
    return letters_agree and seen_in_order and worker.status == life.statuses[-1]


def _letters(run: Run, worker: Worker) -> list[str]:
    return sorted(kind for (sender, kind) in run.heard.elements() if sender == worker.id)


def _distinct(statuses: tuple[str, ...]) -> list[str]:
    """Without the same one after itself: between two looks it may not have been another."""
    return [one for one, before in zip(statuses, ("", *statuses), strict=False) if one != before]


# What is done to workers; each says whether it was time for it.


def _when(status: str, act: Callable[[Fleet, Worker], object]) -> Callable[[Run, Worker], bool]:
    def deed(run: Run, worker: Worker) -> bool:
        if worker.status == status:
            act(run.fleet, worker)
        return worker.status == status

    return deed


def _nudge(run: Run, worker: Worker) -> bool:
    if not run.heard[worker.id, "completion"]:
        return False
    run.fleet.nudge(worker.id, "once more")
    return True


def _allow(run: Run, worker: Worker) -> bool:
    if not run.heard[worker.id, "permission"]:
        return False
    run.fleet.answer(worker.id, "allow")
    return True


def _choose(run: Run, worker: Worker) -> bool:
    if not run.heard[worker.id, "question"]:
        return False
    run.fleet.answer(worker.id, "Red")
    return True


def _kill(_: Fleet, worker: Worker) -> None:
    for pid in _programs(int(worker.process.partition("-")[0])):
        with suppress(ProcessLookupError):  # it went with its parent
            os.kill(pid, signal.SIGKILL)


def _programs(pid: int) -> list[int]:
    """A process and all that it has started."""
    command = ["ps", "-o", "pid=", "--ppid", str(pid)]
    children = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return [pid, *(one for child in children for one in _programs(int(child)))]


def _press(key: str, sign: str) -> Callable[[Run, Worker], bool]:
    """A person's key at its terminal, once that shows a text."""

    def deed(run: Run, worker: Worker) -> bool:
        if sign not in run.fleet.screen(worker):
            return False
        socket, _, name = worker.handle.rpartition(":")
        subprocess.run(["tmux", "-S", socket, "send-keys", "-t", f"={name}:", key], check=True)
        return True

    return deed


_DEEDS: dict[str, Callable[[Run, Worker], bool]] = {
    "answer": _when("asking", lambda fleet, worker: fleet.nudge(worker.id, "this one")),
    "nudge": _nudge,
    "allow": _allow,
    "choose": _choose,
    "see it work": lambda run, worker: real_lives.AT_WORK in run.fleet.screen(worker),
    "kill": _when("running", _kill),
    "stop": _when("running", lambda fleet, worker: fleet.stop(worker.id)),
    "ask to stop": _when("running", lambda fleet, worker: fleet.ask_to_stop(worker.id)),
    "restore": _when("stopped", lambda fleet, worker: fleet.restore(worker.id)),
    "press Escape": _press("Escape", real_lives.AT_WORK),
}
