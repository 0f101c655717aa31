"""What lies behind a completion: found by us, in the worker's directory, not said by the worker."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from worker_manager.crew.reporting.checks import Result
from worker_manager.domain import conditions
from worker_manager.domain.worker import Worker
from worker_manager.errors import WorkerManagerError
from worker_manager.state.files import read_regular
from worker_manager.state.workers import guards
from worker_manager.text.rendering import clean, one_line
from worker_manager.worktrees import changes, own, stashes
from worker_manager.worktrees.bases import Checkout
from worker_manager.worktrees.evidence import Change

#: In a worker's home: how the main checkout stood when it started.
CHECKOUT = "checkout.json"
#: So many files are named, so many lines of the diffstat shown.
NAMED, STAT_LINES = 20, 40


def checkout_now(checkout: Checkout, seen: Sequence[Change] | None) -> str:
    """What CHECKOUT is to hold: how the main checkout, and the stash that it shares with its
    worktrees, stand before its worker does anything; `seen` are its changes where they are known.
    Raises WorktreeRefused.
    """
    path, stash = str(checkout.main), stashes.entries(checkout.common)
    look = changes.look(path, seen)
    return json.dumps({"path": path, "look": look, "common": checkout.common, "stash": stash})


def examine(worker: Worker, home: str, results: Sequence[Result] = ()) -> str:
    """The evidence, for its orchestrator; empty when there is nothing to look at."""
    parts = [*_checks(results)]
    if worker.base_sha:
        parts = [*_work(worker), *parts, *_outside(worker, home)]
    return "\n".join(parts)


def only_uncommitted(worker: Worker) -> list[str]:
    """The files that no commit holds, of a worker that has committed nothing; none where git does
    not say.
    """
    if not worker.branch or not worker.base_sha:
        return []
    try:
        worktree = own.look(worker.path, worker.branch)
        found = changes.since(worktree, worker.base_sha)
    except WorkerManagerError:
        return []
    return [] if found.committed else [*found.modified, *found.untracked]


def _work(worker: Worker) -> Iterator[str]:
    try:
        worktree = own.look(worker.path, worker.branch)
        work = changes.describe(worktree, worker.base_sha)
        found = changes.since(worktree, worker.base_sha)
    except WorkerManagerError as error:
        yield f"Branch {worker.branch} can't be described: {error}"
        return
    commits = f"{work.commits} commit{'s' if work.commits != 1 else ''}"
    files = f"{work.uncommitted} uncommitted file{'s' if work.uncommitted != 1 else ''}"
    yield f"Branch {worker.branch}: {commits} since {worker.base_sha[:12]}, {files}."
    yield f"Base {worker.base_sha} ({worker.base_branch}), head {work.head}."
    yield from _bounded(clean(work.diffstat).splitlines())
    yield from _named("Changed, but not committed", found.modified)
    yield from _named("New, but not committed", found.untracked)
    if worker.allowed_paths:
        every = dict.fromkeys([*found.committed, *found.modified, *found.untracked])
        astray = [path for path in every if not conditions.allows(worker.allowed_paths, path)]
        allowed = ", ".join(worker.allowed_paths)
        yield from _named(f"OUTSIDE of the allowed paths ({one_line(allowed)[:300]})", astray)


def _checks(results: Sequence[Result]) -> Iterator[str]:
    if results:
        passed = sum(result.is_passed for result in results)
        yield f"Checks: {passed} of {len(results)} passed: {'; '.join(map(str, results))}."


def _outside(worker: Worker, home: str) -> Iterator[str]:
    """What happened to the main checkout meanwhile."""
    guard = guards.read(home)
    if guard is not None:
        tried = guards.strays(home)
        where = "It only reads, and" if guard.is_read_only else "Outside of its worktree it"
        how = "was refused to change" if guard.mode == guards.REFUSE else "CHANGED"
        yield from _named(f"{where} {how}", tried)
    try:
        before = json.loads(read_regular(os.path.join(home, CHECKOUT)))
        differing = changes.differing(before["look"], changes.look(before["path"]))
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, WorkerManagerError) as error:
        yield f"Whether the main checkout was changed is not known: {one_line(str(error))}"
        return
    yield from _stash(worker, before)
    told = f"Changed in {before['path']} itself since {worker.name} started, by it or by others"
    yield from _named(told, differing)


def _stash(worker: Worker, before: Mapping[str, Any]) -> Iterator[str]:
    """What all worktrees share, and none tells from its own."""
    if "stash" not in before:  # noted by an earlier version
        return
    now = stashes.entries(before["common"])
    left = [said for said in now.values() if stashes.made_on(said, worker.branch)]
    taken = [said for sha, said in before["stash"].items() if sha not in now]
    yield from _named("LEFT in the stash, which any worktree may take from", left)
    yield from _named("Gone from the stash since it started, taken by it or by others", taken)


def _named(what: str, paths: Sequence[str]) -> Iterator[str]:
    if paths:
        yield f"{what}: {some(paths)}."


def some(paths: Sequence[str]) -> str:
    """The first of them, as a reader may see them."""
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    shown = (one_line(os.fsencode(path).decode("utf-8", "replace")) for path in paths[:NAMED])
    return ", ".join(shown) + more


def _bounded(lines: list[str]) -> list[str]:
    if len(lines) <= STAT_LINES:
        return lines
    left_out = len(lines) - STAT_LINES
    return [*lines[: STAT_LINES - 1], f" [... {left_out} more files]", lines[-1]]
