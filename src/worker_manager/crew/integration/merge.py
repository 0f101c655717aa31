"""How the work of workers is brought together: tried in memory first, then all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import NamedTuple

from worker_manager.crew.context import Context
from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers
from worker_manager.domain import message as messages
from worker_manager.domain.worker import Merge, Worker
from worker_manager.errors import (
    InvalidInput,
    MergeRefused,
    NotARepository,
    StateBusy,
    Text,
    WorkerManagerError,
    WorktreeGone,
    WorktreeRefused,
    step,
)
from worker_manager.processes import shell
from worker_manager.state import journal
from worker_manager.state.locking import exclusive
from worker_manager.state.workers.records import now
from worker_manager.worktrees import bases, commits, evidence, merging, obstacles, own, ref_update
from worker_manager.worktrees.git import attempt, run
from worker_manager.worktrees.ref_update import Target
from worker_manager.worktrees.trees import HEADS

STRATEGIES = ("merge", "squash", "rebase")
CHECK_SECONDS = 900
#: Of what a failed check says: its end, in characters.
SAID_LIMIT = 3_000


class MergeOptions(NamedTuple):
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

    context: Context
    directory: str
    worker: Worker
    tip: str
    target: Target
    options: MergeOptions


class _InConflict(Exception):
    """They don't fit together; to be shown once nobody waits for a lock of ours."""

    def __init__(self, job: _Job, trial: merging.Trial, where: str) -> None:
        super().__init__(where)
        self.job, self.trial, self.where = job, trial, where


def merge_all(context: Context, worker_ids: Sequence[str], options: MergeOptions) -> list[Merged]:
    """Merge one after the other. Raises MergeRefused, which says which are in by then."""
    if not worker_ids:
        raise InvalidInput(
            Text("ids is empty. Name at least one worker; ", step("list"), " has the ids.")
        )
    merged: list[Merged] = []
    for worker_id in dict.fromkeys(worker_ids):
        try:
            merged.append(merge(context, worker_id, options))
        except WorkerManagerError as error:
            done = ", ".join(one.worker.id for one in merged)
            before = f"Merged before: {done}. Then: " if done else ""
            raise MergeRefused(Text(before, error.text), error.shown) from error
    return merged


def merge(context: Context, worker_id: str, options: MergeOptions) -> Merged:
    """Merge the branch of one of this orchestrator's finished workers. Raises MergeRefused,
    InvalidInput or WorkerNotFound; then nothing is changed.
    """
    worker = context.look_at(worker_id)
    if options.strategy not in STRATEGIES:
        raise InvalidInput(
            f"strategy is {options.strategy!r}. Choose one of: {', '.join(STRATEGIES)}."
        )
    try:
        with _one_at_a_time(context):
            worker = _resolved(context, context.records.load(worker.id))
            return _merge(_prepare(context, worker, options))
    except WorktreeRefused as error:
        raise _refused(worker, error.text, error.shown) from error
    except _InConflict as found:
        raise _shown(found) from None


def resolve_interrupted_merges(context: Context, workers: Sequence[Worker]) -> None:
    """Find out whether merges that were interrupted are in, and correct the records."""
    if any(one.merge and not one.merge.done for one in workers):
        with suppress(StateBusy), _one_at_a_time(context, timeout_seconds=1):
            for one in workers:
                with suppress(WorktreeRefused, NotARepository):  # git doesn't say: it stays open
                    _resolved(context, context.records.load(one.id))


def _one_at_a_time(context: Context, timeout_seconds: float = 120) -> AbstractContextManager[None]:
    """Not under the lock of git: checks may take long, and workers must be able to start."""
    lock = os.path.join(context.records.repository, "merge.lock")
    return exclusive(lock, timeout_seconds=timeout_seconds)


def _resolved(context: Context, worker: Worker) -> Worker:
    """As it is, once it is known what became of a merge that was cut off. Raises WorktreeRefused
    when that can't be known, or put right.
    """
    begun = worker.merge
    if begun is None or begun.done:
        return worker
    directory = str(bases.main_checkout(worker.project))
    is_in = _is_in(directory, begun)
    if not is_in:
        _put_back(context, worker, directory, begun)
    elif worker.unchecked:
        _tell(context, worker, begun, "unchecked", _unchecked(worker, begun))
    journal.note(context.home_of(worker), "merge settled", sha=begun.sha, is_in=is_in)
    found = (begun._replace(done=True), worker.unchecked) if is_in else (None, ())
    return context.records.update(worker.id, lambda one: one.merging(*found))[1]


def _is_in(directory: str, merge: Merge) -> bool:
    tip = ref_update.stands_at(directory, merge.into)
    return bool(tip) and ref_update.contains(directory, tip, merge.sha)


def _put_back(context: Context, worker: Worker, directory: str, begun: Merge) -> None:
    why = ref_update.put_back(directory, begun.into, begun.sha, begun.before)
    if why:
        body = (
            f"Its merge into {begun.into} was cut off before the branch moved. Files of it lie in "
            f"the checkout of {begun.into}, and can't be taken back: {why}\n"
            f"By hand, there: git read-tree -m -u {begun.sha} {begun.before}"
        )
        _tell(context, worker, begun, "half-way", body)
        raise WorktreeRefused(body)


def _unchecked(worker: Worker, begun: Merge) -> str:
    checks = "\n".join(worker.unchecked)
    return (
        f"Its merge into {begun.into} is in ({begun.sha[:12]}), but whoever made it was ended "
        f"before all of its checks had passed:\n{checks}\n"
        f'merge_worker(ids=["{worker.id}"], checks=[...]) runs checks, and takes it back when one '
        "fails; without checks it lets it count as merged. Until then it does not. By hand, where "
        f"{begun.into} is checked out: git reset --keep {begun.before}"
    )


def _tell(context: Context, worker: Worker, begun: Merge, what: str, body: str) -> None:
    """Its owner, once."""
    records = context.records
    message_id = identifiers.message_id_of(f"merge {worker.id} {begun.sha} {what}")
    with exclusive(reports.report_lock(records, worker.id)):
        reports.tell_once(records, records.load(worker.id), messages.MERGE, message_id, body)


def _prepare(context: Context, worker: Worker, options: MergeOptions) -> _Job:
    """Looks whether it may be merged at all."""
    if not worker.finished:
        raise _refused(
            worker,
            f"it is {worker.status.value} and may go on committing. Wait for its report, or "
            "stop it",
        )
    if not worker.branch:
        raise _refused(worker, f"it works in {worker.path} itself and has no branch of its own")
    directory = str(bases.main_checkout(worker.project))
    tip = attempt(directory, "rev-parse", "--verify", "--quiet", HEADS + worker.branch)
    if not tip:
        raise _refused(worker, _without_branch(worker))
    target = ref_update.target(directory, options.into or worker.base_branch)
    _require_free(context, worker, target)
    _require_on_its_branch(worker, tip)
    _require_commits(directory, worker, tip)
    if options.checks and not target.checkout:
        raise _refused(
            worker, f"checks need a checkout, and {target.branch} is checked out nowhere"
        )
    return _Job(context, directory, worker, tip, target, options)


def _merge(job: _Job) -> Merged:
    worker, target, records = job.worker, job.target, job.context.records
    # Hooks find the merge in a worktree of its own, and git itself fails when two are made at once.
    with exclusive(os.path.join(records.repository, "git.lock"), timeout_seconds=120):
        sha = _commit(job)
    if sha == target.sha:
        return _had_before(job)
    _require_room(job, sha)
    begun = Merge(target.branch, job.options.strategy, job.tip, target.sha, sha, now())
    # Before anything moves: should we be killed, it is known what to look for.
    records.update(worker.id, lambda one: one.merging(begun, tuple(job.options.checks)))
    notes = _notes(job)
    with _noting_what_became(job, begun):
        why = f"merge {worker.branch}"
        ref_update.move(job.directory, target, sha, why)
        if target.checkout:
            notes += filter(None, [commits.run_post_merge_hook(target.checkout, why)])
        _check(job, begun)
    changed = ref_update.files_between(job.directory, target.sha, sha)
    return _done(job, begun, changed, notes)


def _had_before(job: _Job) -> Merged:
    """Nothing moves. But checks of a merge that was cut off may be outstanding."""
    worker, into = job.worker, job.target
    notes = [f"{into.branch} had all of it before."]
    begun = worker.merge
    if begun is None or (begun.tip, begun.into) != (job.tip, into.branch):
        begun = Merge(into.branch, job.options.strategy, job.tip, into.sha, into.sha, now())
    elif worker.unchecked and job.options.checks:
        outstanding = tuple(job.options.checks)
        job.context.records.update(worker.id, lambda one: one.merging(begun, outstanding))
        with _noting_what_became(job._replace(worker=worker.merging(None)), begun):
            _check(job, begun)
    elif worker.unchecked:
        notes.append(f"Not run, but it counts as merged: {'; '.join(worker.unchecked)}")
    return _done(job, begun, "", notes)


def _done(job: _Job, begun: Merge, changed: str, notes: Sequence[str]) -> Merged:
    done = begun._replace(done=True)
    _, after = job.context.records.update(job.worker.id, lambda one: one.merging(done))
    journal.note(job.context.home_of(job.worker), "merged", into=done.into, sha=done.sha)
    return Merged(after, done, changed, tuple(notes))


@contextmanager
def _noting_what_became(job: _Job, begun: Merge) -> Iterator[None]:
    """Of a merge that fails: it is in all the same, and unchecked, or all is as before."""
    try:
        yield
    except (WorktreeRefused, MergeRefused):
        with suppress(WorktreeRefused):  # git doesn't say: whoever looks next finds out
            is_in = _is_in(job.directory, begun)
            before = (job.worker.merge, job.worker.unchecked)
            found = (begun._replace(done=True), tuple(job.options.checks)) if is_in else before
            job.context.records.update(job.worker.id, lambda one: one.merging(*found))
        raise


def _commit(job: _Job) -> str:
    """The commit to go to, made in memory; where the target stands when that has all of it."""
    if ref_update.contains(job.directory, job.target.sha, job.tip):
        return job.target.sha
    trial = merging.try_merge(job.directory, job.target.sha, job.tip)
    _require_clean(job, trial)
    if job.options.strategy == "rebase":
        return _replayed(job, trial)
    is_squash = job.options.strategy == "squash"
    if is_squash and trial.tree == run(job.directory, "rev-parse", f"{job.target.sha}^{{tree}}"):
        return job.target.sha
    parents = [job.target.sha] if is_squash else [job.target.sha, job.tip]
    message = _squash_message(job) if is_squash else _merge_message(job)
    made = (job.options.strategy, trial.tree, parents, message)
    return commits.make(job.directory, *made, lender=job.directory)


def _replayed(job: _Job, trial: merging.Trial) -> str:
    is_signed = commits.is_signing(job.directory)
    replayed = merging.replay(job.directory, job.target.sha, job.tip, is_signed=is_signed)
    if replayed.trial is not None:
        _require_clean(job, replayed.trial, f"at its commit {replayed.stuck_at[:12]} ")
    if run(job.directory, "rev-parse", f"{replayed.sha}^{{tree}}") != trial.tree:
        raise _refused(
            job.worker,
            "its commits one by one come to something else than its branch as a whole: what its "
            "merges resolved would be lost. Choose the strategy merge or squash",
        )
    return replayed.sha


def _check(job: _Job, begun: Merge) -> None:
    """Runs the checks; the first that fails takes the merge back. Raises MergeRefused."""
    for command in job.options.checks:
        ended = shell.run(command, cwd=job.target.checkout, seconds=CHECK_SECONDS)
        if ended.code != 0:
            how = f"exit code {ended.code}" if ended.code else f"not done after {CHECK_SECONDS} s"
            failed = f"the check {command!r} failed ({how})"
            raise _refused(job.worker, _undone(job, begun, failed), ended.output[-SAID_LIMIT:])


def _undone(job: _Job, begun: Merge, failed: str) -> str:
    """What is to be said once it is taken back, or can't be."""
    try:
        checkout = ref_update.revert(job.directory, begun.into, begun.sha, begun.before)
    except WorktreeRefused as error:
        return (
            f"{failed}. IT IS STILL IN {begun.into}, for it can't be taken back: {error} "
            f"By hand, where {begun.into} is checked out: git reset --keep {begun.before}"
        )
    if checkout == job.target.checkout:
        return f"{failed}. The merge was taken back"
    return (
        f"{failed}. The merge was taken back from {begun.into}. {job.target.checkout} has changed "
        "branches since, and stays as it is"
    )


def _require_room(job: _Job, sha: str) -> None:
    """Raises MergeRefused when files of the person's own lie where it would write."""
    target = job.target
    found = obstacles.find(target.checkout, target.sha, sha) if target.checkout else []
    if found:
        have = "have" if len(found) > 1 else "has"
        hidden = [
            f" git status hides {one.name!r}: git update-index --no-{one.flag} {one.name!r}"
            for one in found[:10]
            if one.flag
        ]
        raise _refused(
            job.worker,
            f"{_some([one.name for one in found])} in {target.checkout} {have} changes of their "
            "own that it would overwrite. Commit or stash them, or move them away."
            + "".join(hidden),
        )


def _require_free(context: Context, worker: Worker, target: Target) -> None:
    """Raises MergeRefused when another worker works on the branch to merge into."""
    for other in context.records.all():
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
    place = _worktree(worker)
    head = attempt(place, "rev-parse", "--verify", "--quiet", "HEAD") if place else ""
    if head and not ref_update.contains(place, tip, head):
        raise _refused(
            worker,
            f"its worktree stands at {head[:12]}, which its branch {worker.branch} does not have. "
            f"Nudge it to commit there, or in {worker.path}: git branch -f {worker.branch} {head}",
        )


def _require_commits(directory: str, worker: Worker, tip: str) -> None:
    """Raises MergeRefused when it has none of its own, which is no merge."""
    if (
        not worker.base_sha
        or worker.merge
        or not ref_update.contains(directory, worker.base_sha, tip)
    ):
        return
    why = f"there is nothing to merge, for its branch {worker.branch} has no commits of its own"
    left = _left(worker)
    if left:
        why += f". Not committed in {worker.path}: {_some(left)}. Nudge it to commit"
    raise _refused(worker, why)


def _without_branch(worker: Worker) -> str:
    """Why it can't be merged, and what can be done."""
    place = _worktree(worker)
    other = attempt(place, "symbolic-ref", "--quiet", "--short", "HEAD") if place else ""
    if not other:
        return Text(f"its branch {worker.branch} is gone. ", step("restore"), " may have it")
    return (
        f"its branch {worker.branch} is gone: its worktree is on {other}. When that is its work, "
        f"give it back its name, then merge; in {worker.path}: git branch -m {worker.branch}"
    )


def _worktree(worker: Worker) -> str:
    """Where git may be asked about it; empty when its worktree is gone."""
    try:
        return own.look(worker.path, worker.branch).path
    except WorktreeGone:
        return ""


def _left(worker: Worker) -> list[str]:
    """The files in its worktree that no commit holds."""
    place = _worktree(worker)
    return [one.name for one in evidence.changes(place)] if place else []


def _require_clean(job: _Job, trial: merging.Trial, where: str = "") -> None:
    if trial.files:
        raise _InConflict(job, trial, where)


def _shown(found: _InConflict) -> MergeRefused:
    job, trial = found.job, found.trial
    wish = f"Merge {job.target.branch} into your branch, resolve the conflicts, commit, complete."
    return _refused(
        job.worker,
        Text(
            f"{found.where}it is in conflict with {job.target.branch} in {_some(trial.files)}. "
            "Next step: ",
            step("nudge", id=job.worker.id, message=wish),
        ),
        "\n".join([*trial.said[: merging.FILES], merging.hunks(job.directory, trial)]),
    )


def _merge_message(job: _Job) -> str:
    into = "" if job.target.branch in ("main", "master") else f" into {job.target.branch}"
    return f"Merge branch '{job.worker.branch}'{into}\n\n{job.worker.title}\n"


def _squash_message(job: _Job) -> str:
    plain = ("rev-list", "--no-commit-header", "--format=* %s", "--encoding=UTF-8")
    between = ("--reverse", "--no-merges", "--max-count=100", f"{job.target.sha}..{job.tip}")
    listed = run(job.directory, *plain, *between)
    return f"{job.worker.title}\n\n{listed}\n"


def _notes(job: _Job) -> list[str]:
    """What is not in, and where nothing was checked out."""
    notes = []
    if not job.target.checkout:
        notes.append(f"{job.target.branch} is checked out nowhere: only the branch has moved.")
    place = job.worker.path
    if os.path.lexists(place) and not _worktree(job.worker):
        notes.append(f"{place} is not its worktree any more: only its branch was looked at.")
    left = _left(job.worker)
    if left:
        notes.append(f"Not committed, so not merged: {_some(left)} in {job.worker.path}.")
    return notes


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _refused(worker: Worker, why: str, shown: str = "") -> MergeRefused:
    end = "" if why.endswith(".") else "."
    return MergeRefused(Text(f"Worker {worker.id} is not merged: ", why, end), shown.strip())
