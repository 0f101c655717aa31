"""How the work of workers is brought together: tried in memory first, then all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import NamedTuple

from worker_manager import commands
from worker_manager.errors import (
    InvalidInput,
    MergeRefused,
    NotARepository,
    StateBusy,
    WorktreeRefused,
)
from worker_manager.models import Merge, Worker
from worker_manager.state import journal
from worker_manager.state.locking import exclusive
from worker_manager.state.records import Records, now
from worker_manager.worktrees import bases, commits, evidence, landing, merging
from worker_manager.worktrees.git import attempt, run
from worker_manager.worktrees.landing import Target
from worker_manager.worktrees.trees import HEADS

STRATEGIES = ("merge", "squash", "rebase")
CHECK_SECONDS = 900
#: Of what a failed check says: its end, in characters.
SAID_LIMIT = 3_000


class Wish(NamedTuple):
    """How to merge: `into` is a branch, the worker's base when empty; `checks` are shell commands
    that must succeed in the checkout afterwards, else the merge is taken back.
    """

    strategy: str = "merge"
    into: str = ""
    checks: Sequence[str] = ()


class Merged(NamedTuple):
    """A worker whose branch is in, and what to know of it: files changed, what was left out."""

    worker: Worker
    merge: Merge
    changed: str
    notes: tuple[str, ...]


class _Job(NamedTuple):
    """A merge that is possible: where git runs, whose branch at which commit, into what."""

    directory: str
    worker: Worker
    tip: str
    target: Target
    wish: Wish


def merge(records: Records, worker: Worker, wish: Wish) -> Merged:
    """Merges a finished worker's branch. Raises MergeRefused, or InvalidInput; then nothing is
    changed.
    """
    if wish.strategy not in STRATEGIES:
        raise InvalidInput(
            f"strategy is {wish.strategy!r}. Choose one of: {', '.join(STRATEGIES)}."
        )
    with _one_at_a_time(records):
        try:
            worker = _settled(records, records.get(worker.id))
            return _merge(records, _prepare(records, worker, wish))
        except WorktreeRefused as error:
            raise _refused(worker, str(error), error.shown) from error


def settle_all(records: Records, workers: Sequence[Worker]) -> None:
    """Finds out of merges that were cut off whether they were done."""
    if any(one.merge and not one.merge.done for one in workers):
        with suppress(StateBusy), _one_at_a_time(records, timeout_seconds=1):
            for one in workers:
                with suppress(WorktreeRefused, NotARepository):  # git doesn't say: it stays open
                    _settled(records, records.get(one.id))


def _one_at_a_time(records: Records, timeout_seconds: float = 120) -> AbstractContextManager[None]:
    """Not under the lock of git: checks may take long, and workers must be able to start."""
    lock = os.path.join(records.repository, "merge.lock")
    return exclusive(lock, timeout_seconds=timeout_seconds)


def _settled(records: Records, worker: Worker) -> Worker:
    """As it is, once it is known what became of a merge that was cut off."""
    begun = worker.merge
    if begun is None or begun.done:
        return worker
    directory = str(bases.main_checkout(worker.project))
    is_in = landing.contains(directory, HEADS + begun.into, begun.sha)
    found = replace(begun, done=True) if is_in else None
    journal.note(records.home(worker.id), "merge settled", sha=begun.sha, is_in=is_in)
    return records.update(worker.id, lambda one: one.merging(found))[1]


def _prepare(records: Records, worker: Worker, wish: Wish) -> _Job:
    """Looks whether it may be merged at all."""
    if not worker.finished:
        raise _refused(
            worker,
            f"it is {worker.status.value} and may go on committing. Wait for its report, or "
            "stop_worker it",
        )
    if not worker.branch:
        raise _refused(worker, f"it works in {worker.path} itself and has no branch of its own")
    directory = str(bases.main_checkout(worker.project))
    tip = attempt(directory, "rev-parse", "--verify", "--quiet", HEADS + worker.branch)
    if not tip:
        raise _refused(worker, f"its branch {worker.branch} is gone. restore_worker may have it")
    target = landing.target(directory, wish.into or worker.base_branch)
    _require_free(records, worker, target)
    _require_on_its_branch(worker, tip)
    if wish.checks and not target.checkout:
        raise _refused(
            worker, f"checks need a checkout, and {target.branch} is checked out nowhere"
        )
    return _Job(directory, worker, tip, target, wish)


def _merge(records: Records, job: _Job) -> Merged:
    worker, target = job.worker, job.target
    # Hooks find the merge in a worktree of its own, and git itself fails when two are made at once.
    with exclusive(os.path.join(records.repository, "git.lock"), timeout_seconds=120):
        sha = _commit(job)
    if sha == target.sha:
        return _nothing_to_do(records, job)
    in_the_way = landing.in_the_way(target, sha)
    if in_the_way:
        raise _refused(
            worker,
            f"{_some(in_the_way)} in {target.checkout} {_have(in_the_way)} changes of their own "
            "that it would overwrite. Commit or stash them",
        )
    begun = Merge(target.branch, job.wish.strategy, job.tip, target.sha, sha, now())
    # Before anything moves: should we be killed, it is known what to look for.
    records.update(worker.id, lambda one: one.merging(begun))
    try:
        landing.advance(job.directory, target, sha, f"merge {worker.branch}")
        _check(job, sha)
    except (WorktreeRefused, MergeRefused):
        after = _settled(records, records.get(worker.id))
        records.update(worker.id, lambda one: one.merging(after.merge or worker.merge))
        raise
    done = replace(begun, done=True)
    _, after = records.update(worker.id, lambda one: one.merging(done))
    journal.note(records.home(worker.id), "merged", into=target.branch, sha=sha)
    changed = landing.files_between(job.directory, target.sha, sha)
    return Merged(after, done, changed, tuple(_notes(job)))


def _nothing_to_do(records: Records, job: _Job) -> Merged:
    into = job.target
    done = Merge(into.branch, job.wish.strategy, job.tip, into.sha, into.sha, now(), done=True)
    _, after = records.update(job.worker.id, lambda one: one.merging(done))
    return Merged(after, done, "", (f"{into.branch} had all of it before.",))


def _commit(job: _Job) -> str:
    """The commit to go to, made in memory; where the target stands when that has all of it."""
    if landing.contains(job.directory, job.target.sha, job.tip):
        return job.target.sha
    trial = merging.try_merge(job.directory, job.target.sha, job.tip)
    _require_clean(job, trial)
    if job.wish.strategy == "rebase":
        return _replayed(job, trial)
    is_squash = job.wish.strategy == "squash"
    if is_squash and trial.tree == run(job.directory, "rev-parse", f"{job.target.sha}^{{tree}}"):
        return job.target.sha
    parents = [job.target.sha] if is_squash else [job.target.sha, job.tip]
    message = _squash_message(job) if is_squash else _merge_message(job)
    return commits.make(job.directory, job.wish.strategy, trial.tree, parents, message)


def _replayed(job: _Job, trial: merging.Trial) -> str:
    signed = commits.signing(job.directory)
    replayed = merging.replay(job.directory, job.target.sha, job.tip, signed)
    if replayed.trial is not None:
        _require_clean(job, replayed.trial, f"at its commit {replayed.stuck_at[:12]} ")
    if run(job.directory, "rev-parse", f"{replayed.sha}^{{tree}}") != trial.tree:
        raise _refused(
            job.worker,
            "its commits one by one come to something else than its branch as a whole: what its "
            "merges resolved would be lost. Choose the strategy merge or squash",
        )
    return replayed.sha


def _check(job: _Job, sha: str) -> None:
    """Runs the checks; the first that fails takes the merge back. Raises MergeRefused."""
    for command in job.wish.checks:
        ended = commands.run(command, cwd=job.target.checkout, seconds=CHECK_SECONDS)
        if ended.code == 0:
            continue
        said = ended.output[-SAID_LIMIT:]
        how = f"exit code {ended.code}" if ended.code else f"not done after {CHECK_SECONDS} s"
        failed = f"the check {command!r} failed ({how})"
        try:
            landing.take_back(job.target, sha)
        except WorktreeRefused as error:
            raise _refused(
                job.worker,
                f"{failed}. IT IS STILL IN {job.target.branch}, for it can't be taken back: {error}"
                f" By hand, in {job.target.checkout}: git reset --keep {job.target.sha}",
                said,
            ) from error
        raise _refused(job.worker, f"{failed}. The merge was taken back", said)


def _require_free(records: Records, worker: Worker, target: Target) -> None:
    """Raises MergeRefused when another worker works on the branch to merge into."""
    for other in records.all():
        shares_checkout = not other.branch and os.path.realpath(other.path) == target.checkout
        if not other.finished and (shares_checkout or other.branch == target.branch):
            raise _refused(
                worker,
                f"worker {other.id} is {other.status.value} in the checkout of {target.branch}",
            )
    if target.branch == worker.branch:
        raise _refused(worker, f"{target.branch} is its own branch. Name another one with into")


def _require_on_its_branch(worker: Worker, tip: str) -> None:
    """Raises MergeRefused when it has committed beside its branch."""
    if not os.path.isdir(worker.path):
        return
    head = attempt(worker.path, "rev-parse", "--verify", "--quiet", "HEAD")
    if head and not landing.contains(worker.path, tip, head):
        raise _refused(
            worker,
            f"its worktree stands at {head[:12]}, which its branch {worker.branch} does not have. "
            f"Nudge it to commit there, or in {worker.path}: git branch -f {worker.branch} {head}",
        )


def _require_clean(job: _Job, trial: merging.Trial, where: str = "") -> None:
    if not trial.files:
        return
    shown = "\n".join([*trial.said[: merging.FILES], merging.hunks(job.directory, trial)])
    raise _refused(
        job.worker,
        f"{where}it is in conflict with {job.target.branch} in {_some(trial.files)}. "
        f'Next step: nudge_worker(id="{job.worker.id}", message="Merge {job.target.branch} into '
        'your branch, resolve the conflicts, commit, complete.")',
        shown,
    )


def _merge_message(job: _Job) -> str:
    into = "" if job.target.branch in ("main", "master") else f" into {job.target.branch}"
    return f"Merge branch '{job.worker.branch}'{into}\n\n{job.worker.title}\n"


def _squash_message(job: _Job) -> str:
    between = ("--reverse", "--no-merges", "--max-count=100", f"{job.target.sha}..{job.tip}")
    listed = run(job.directory, "log", "--format=* %s", *between)
    return f"{job.worker.title}\n\n{listed}\n"


def _notes(job: _Job) -> list[str]:
    """What is not in, and where nothing was checked out."""
    notes = []
    if not job.target.checkout:
        notes.append(f"{job.target.branch} is checked out nowhere: only the branch has moved.")
    if os.path.isdir(job.worker.path):
        left = [one.name for one in evidence.changes(job.worker.path)]
        if left:
            notes.append(f"Not committed, so not merged: {_some(left)} in {job.worker.path}.")
    return notes


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _have(names: Sequence[str]) -> str:
    return "have" if len(names) > 1 else "has"


def _refused(worker: Worker, why: str, shown: str = "") -> MergeRefused:
    return MergeRefused(f"Worker {worker.id} is not merged: {why.rstrip('.')}.", shown.strip())
