"""What is said of a thing that was done: to a model by the tools, to a person by the commands and
the live view. `wording` puts next steps into the reader's words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from worker_manager.agents import agent_in_record
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.clean import CleanResult
from worker_manager.crew.integration.merge import Merged
from worker_manager.crew.lifecycle.request import Place, Started
from worker_manager.crew.messaging import wake
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import NextStep, WorkerManagerError, step
from worker_manager.text import figures, rendering
from worker_manager.worktrees import own, removal

Wording = Callable[[str | NextStep], str]


def started(started: Started, reason: str, wording: Wording) -> list[str]:
    """Lines. `reason`: what it waits for when it is queued, as `Facts.reason`."""
    worker = started.worker
    modes = agent_in_record(worker.agent).permission_modes
    mode = f", permission mode {worker.permission_mode}" if modes else ""
    is_queued = worker.status is Status.QUEUED
    state = f"queued ({reason}); it starts by itself" if is_queued else "started"
    is_named = worker.agent_name not in ("", worker.agent)
    agent = f"{worker.agent_name} ({worker.agent})" if is_named else worker.agent
    lines = [f"Worker {worker.id} ({worker.name}) {state}: {agent}{mode}."]
    notes = [rendering.one_line(wording(note)) for note in started.notes]
    return [*lines, *_place(started.place, worker), *notes]


def _place(place: Place | None, worker: Worker) -> list[str]:
    if place is None:
        return [f"It works in {worker.path} itself, without a branch of its own."]
    base = place.base
    behind = f", {base.behind} behind {base.upstream}" if base.behind else ""
    lines = [f"Branch {worker.branch} from {base.name} at {base.sha[:12]}{behind}."]
    if place.uncommitted:
        lines.append(
            f"Your checkout has {place.uncommitted} uncommitted files that it does not see."
        )
    return lines


def stopped(worker: Worker, wording: Wording) -> str:
    """Of one that was stopped or asked to."""
    if worker.stop_due:
        return (
            f"{worker.name} was asked to stop. It may complete or refuse, which you will hear; "
            f"else its session ends at {figures.clock(worker.stop_due)}."
        )
    again = wording(step("restore", id=worker.id))
    if worker.branch and not own.stands(worker.path, worker.branch):
        return (
            f"{worker.name} is {worker.status.value}. {worker.path} is no worktree of it any more, "
            f"so nothing was saved. {again} makes it one again, keeps "
            "what lies there, and goes on with its conversation."
        )
    lines = [f"{worker.name} is {worker.status.value}. Its work stays in {worker.path}."]
    if worker.saved:
        lines.append(
            "What no commit holds is saved, too; in there, this brings it back: "
            f"git restore --source={worker.saved} -- ."
        )
    lines.append(f"{again} goes on with its conversation.")
    return "\n".join(lines)


def restored(worker: Worker, reason: str) -> str:
    """Of one that goes on; `reason` as with `started`."""
    if worker.status is Status.QUEUED:
        return f"{worker.name} is queued ({reason}); it goes on by itself."
    aside = removal.newest_aside(worker.path)
    found = f" What lay there before is in {aside} now." if aside else ""
    return f"{worker.name} goes on in {worker.path}.{found}"


def nudged(fleet: Fleet, before: Worker, outcome: wake.WakeResult, *, is_answer: bool) -> str:
    """Of a message; `before` is the worker as it was."""
    what = "answer" if is_answer else "message"
    if outcome.state == wake.SEEN:
        return f"Seen: the {what} stands in the conversation of {before.name}."
    status, activity = _now(fleet, before).status.value, fleet.activity(before)
    doing = f"{status}, {activity.status}" if activity else status
    who = f"{before.name} ({doing})"
    if outcome.state == wake.DELIVERED:
        soon = "with its next tool call, or when its turn ends"
        return f"Delivered: {who} has the {what} and reads it {soon}."
    return f"Queued: the {what} waits in the mailbox of {who}, to be shown: {outcome.reason}."


def answered(fleet: Fleet, worker: Worker) -> str:
    """Of a dialog."""
    current = _now(fleet, worker)
    if current.status in (Status.ASKING, Status.BLOCKED):  # another one stands open
        reason = f" ({rendering.one_line(current.reason)})" if current.reason else ""
        return f"Given: {worker.name} has your answer, and is still {current.status.value}{reason}."
    return f"Given: {worker.name} goes on with your answer."


def _now(fleet: Fleet, worker: Worker) -> Worker:
    """As its record has it by now; as it was when that can't be read, or is not ours any more."""
    with suppress(WorkerManagerError):
        return fleet.worker(worker.id)
    return worker


def merged(merged: Merged) -> str:
    """Of a merge, without what it changed, which is a worker's text."""
    merge = merged.merge
    head = f"{merged.worker.name} is in {merge.into} ({merge.strategy}, {merge.sha[:12]})."
    return "\n".join([head, *map(rendering.clean, merged.notes)])


def cleaned(outcomes: Sequence[CleanResult], wording: Wording, *, is_dry_run: bool) -> str:
    """Of all that were looked at."""
    gone = [one for one in outcomes if not one.why_not]
    kept = [one for one in outcomes if one.why_not]
    freed = sum(one.freed for one in outcomes)
    if not outcomes:
        return "There is nothing to clean: no finished worker is left."
    verb = "Would clean" if is_dry_run else "Cleaned"
    lines = [f"{verb} {len(gone)} of {len(outcomes)}, {freed / 1e6:.1f} MB."]
    lines += [f"{one.worker.id} {one.worker.name}" for one in gone]
    if kept:
        lines.append("These stay:")
        lines += [
            f"{one.worker.id} {one.worker.name}: {rendering.one_line(wording(one.why_not))}"
            for one in kept
        ]
    if gone:
        again = wording(step("restore"))
        lines.append(f"{again} brings one back, but for files that git ignores.")
    return "\n".join(lines)
