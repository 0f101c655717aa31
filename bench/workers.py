"""Starting workers, listing them, speaking to them: as the tools do it, without the SDK."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.measuring import Row, in_turns, seconds
from bench.stage import Stage, stage
from worker_manager import naming
from worker_manager.fleet import Fleet
from worker_manager.models import Status, Worker
from worker_manager.snapshot import COUNTED_MOST, Snapshots
from worker_manager.starts import Wanted
from worker_manager.state import processes, receipts
from worker_manager.state.records import now

_USAGE = {"input_tokens": 9, "output_tokens": 9}
_SAID = {"id": "m", "model": "m", "usage": _USAGE, "content": [{"type": "text", "text": "Hm."}]}
_TRANSCRIPT = json.dumps({"type": "assistant", "message": _SAID}) + "\n"
_PROGRAM = "import worker_manager.rehearsal.player, time; time.sleep(1000)"
#: What a stopped worker does at its end must not be measured with the next one.
_ENDING_SECONDS = 0.5
_HANG = '```steps\n[{"hang": true}]\n```'


def rows(rounds: int) -> Iterator[Row]:
    """Beside git and tmux alone."""
    with stage() as world:
        fleet = world.fleet()
        for use_worktree, goal in ((False, 1.6), (True, 1.3)):
            ours, floor = in_turns(
                rounds,
                partial(_start, fleet, use_worktree=use_worktree),
                partial(_bare_start, world, use_worktree=use_worktree),
            )
            where = "in a worktree" if use_worktree else "in place"
            yield Row(f"start a worker {where}", "git and tmux alone", ours, floor, goal)
    for count in (10, 100, 1_000):
        with stage() as world:
            fleet = world.fleet()
            for _ in range(count):
                _add(fleet, world)
            snapshots = Snapshots(fleet)
            for _ in range(1 + count // COUNTED_MOST):
                _list(fleet, snapshots)  # git has been asked once
            ours, floor = in_turns(
                rounds, partial(_list, fleet, snapshots), partial(_bare_list, world)
            )
            yield Row(f"list {count:,} workers", "tmux list-sessions", ours, floor, 1.6)
            if count == 10:
                ours, floor = in_turns(
                    rounds * 5, partial(_nudge, fleet), partial(_bare_letter, world.folder)
                )
                yield Row("nudge a worker", "write, fsync, rename, fsync", ours, floor, 1.5)


def _start(fleet: Fleet, *, use_worktree: bool) -> float:
    wanted = Wanted("t", _HANG, use_worktree=use_worktree)
    started = []
    took = seconds(lambda: started.append(fleet.start(wanted)))
    fleet.stop(started[0].worker.id)
    time.sleep(_ENDING_SECONDS)
    return took


def _bare_start(world: Stage, *, use_worktree: bool) -> float:
    """What must be done in any case: a worktree, a session with the same program in it."""
    name = naming.random_hex(4)
    path = world.folder / "bare" / name
    git = ["git", "-C", str(world.repository), "worktree", "add", "-q", "-b", name, str(path)]
    tmux = ["tmux", "-L", world.socket, "-f", os.devnull, "new-session", "-d", "-s", name]

    def run() -> None:
        if use_worktree:
            subprocess.run(git, check=True)
        subprocess.run([*tmux, sys.executable, "-I", "-c", _PROGRAM], check=True)

    took = seconds(run)
    time.sleep(_ENDING_SECONDS)
    return took


def _add(fleet: Fleet, world: Stage) -> Worker:
    """A worker at work: its record, its branch and folder, its transcript, its terminal."""
    worker_id = naming.new_worker_id()
    name = naming.worker_name("t", worker_id)
    path = world.repository / "trees" / name  # a worktree in all but name: those take git long
    path.mkdir(parents=True)
    git = ["git", "-C", str(world.repository), "branch", naming.branch_name(name)]
    subprocess.run(git, check=True)
    tmux = ["tmux", "-L", world.socket, "-f", os.devnull, "new-session", "-d", "-s", name]
    tmux += ["-P", "-F", "#{pane_pid}", "sleep", "1000"]
    pid = int(subprocess.run(tmux, check=True, capture_output=True).stdout)
    worker = Worker(
        id=worker_id,
        name=name,
        title="t",
        owner=fleet.owner,
        created_at=now(),
        changed_at=now(),
        project=str(world.repository),
        path=str(path),
        branch=naming.branch_name(name),
        base_branch="main",
        base_sha=world.head,
        agent="scripted",
        session_id=str(uuid.uuid4()),
        handle=world.runtime.handle_for(name),
        mark=naming.new_mark(),
        launched=True,
        process=processes.identity(pid),
        status=Status.RUNNING,
    )
    fleet.records.create(worker)
    home = fleet.records.home(worker_id)
    Path(home, "transcript.jsonl").write_text(_TRANSCRIPT, "utf-8")
    receipts.note_transcript(home, str(Path(home, "transcript.jsonl")))
    return worker


def _list(fleet: Fleet, snapshots: Snapshots) -> float:
    return seconds(lambda: snapshots.of(fleet.workers()))


def _bare_list(world: Stage) -> float:
    command = ["tmux", "-L", world.socket, "list-sessions"]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True))


def _nudge(fleet: Fleet) -> float:
    worker = fleet.records.all()[0]
    return seconds(lambda: fleet.nudge(worker.id, "Go on."))


def _bare_letter(folder: Path) -> float:
    name = naming.random_hex(8)

    def run() -> None:
        descriptor = os.open(folder / f".{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, b"Go on.")
        os.fsync(descriptor)
        os.close(descriptor)
        os.rename(folder / f".{name}", folder / name)
        directory = os.open(folder, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    return seconds(run)
