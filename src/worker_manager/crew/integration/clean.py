"""Taking away what finished workers have left, so that it can be brought back; nothing else.

A worker that is cleaned keeps its record, which names the git ref that holds all of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from worker_manager.crew.context import Context
from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput, Text, WorkerManagerError, step, text_of
from worker_manager.state import journal
from worker_manager.state.locking import exclusive
from worker_manager.state.workers.records import Records
from worker_manager.worktrees import bases, deletion, losses, own, ref_update, removal, snapshots
from worker_manager.worktrees.overview import contained_in, overview
from worker_manager.worktrees.removal import Tree

#: From so many finished workers on, or so old a one, cleaning is suggested.
HINT_THRESHOLD, OLD_DAYS = 8, 7.0
#: In the place of a ref: there was nothing to save.
NOTHING = "-"
#: So often it is tried to be faster than what still writes there.
ROUNDS = 3


class CleanResult(NamedTuple):
    """What became, or would become, of a worker: `why_not` is empty when it is cleaned."""

    worker: Worker
    why_not: str
    freed: int = 0


class Look:
    """A repository at one moment, for any number of workers: git is asked a few questions for all
    of them, and which branches a commit holds once for each commit.
    """

    def __init__(self, project: str) -> None:
        self.seen = overview(str(bases.main_checkout(project)))
        self._held: dict[str, frozenset[str]] = {}

    def holds(self, goal: str, tree: Tree, sha: str) -> bool:
        """Whether a commit of a worker's is in the commit `goal`. Raises WorktreeRefused."""
        if sha != tree.tip:
            return ref_update.contains(tree.checkout, goal, sha)
        if goal not in self._held:
            self._held[goal] = contained_in(tree.checkout, goal)
        return tree.branch in self._held[goal]


class CleanOptions(NamedTuple):
    """What to clean: the workers of these ids, else all that are finished. `force` takes those,
    too, that are not merged or have files that no commit holds.
    """

    ids: Sequence[str] = ()
    is_dry_run: bool = False
    force: bool = False


def clean(context: Context, workers: Sequence[Worker], options: CleanOptions) -> list[CleanResult]:
    """Clean those of these workers that may go. Raises InvalidInput when `force` has no ids, and
    WorkerNotFound when one of the ids is not this orchestrator's.
    """
    for worker_id in options.ids:
        context.worker(worker_id)
    if options.force and not options.ids:
        raise InvalidInput("force needs ids: name the workers whose unmerged work may go.")
    chosen = [one for one in workers if _is_meant(one, options)]
    looks: dict[str, Look] = {}
    return [_clean_one(context, one, options, looks) for one in chosen]


def is_gone(worker: Worker) -> bool:
    """Whether its worktree must be recreated before a start."""
    return bool(worker.cleaned) or (
        bool(worker.branch) and not own.stands(worker.path, worker.branch)
    )


def bring_back(records: Records, worker_id: str) -> None:
    """Recreate what a clean, or somebody else, has removed of a worker: its branch, its worktree,
    the files that no commit held. Nothing when all of it is there. Raises WorktreeRefused.
    """
    with _alone_with(records, worker_id):
        worker = records.load(worker_id)  # a clean may have ended just now
        if worker.branch:
            ref = _bring_back(records, worker)
            journal.note(records.home(worker_id), "brought back", ref=ref)
        records.update(worker_id, lambda one: one._replace(cleaned="", closed=False))


def advice(workers: Sequence[Worker]) -> str:
    """A line for when what finished workers have left piles up; else nothing."""
    left = [one for one in workers if one.finished and one.branch and not one.cleaned]
    ages = [time.time() - datetime.fromisoformat(one.changed_at).timestamp() for one in left]
    days = max(ages, default=0.0) / 86_400
    if len(left) < HINT_THRESHOLD and days < OLD_DAYS:
        return ""
    return Text(
        f"{len(left)} finished worker{'s' if len(left) != 1 else ''} still have a worktree, the "
        f"oldest for {days:.0f} days. ",
        step("clean", dry_run=True),
        " tells which may go.",
    )


def _bring_back(records: Records, worker: Worker) -> str:
    """Gives the ref that it came from; empty when only branch and worktree did."""
    checkout = bases.main_checkout(worker.project)
    ref = worker.cleaned.removeprefix(NOTHING)
    if not ref and removal.fits(checkout, worker.branch, worker.saved):
        ref = worker.saved
    tree = removal.find(overview(str(checkout)), worker.path, worker.branch)
    beside, message = _new_ref(worker), f"Worker {worker.id} before it was brought back"
    saved = None
    if tree.worktree is not None:  # its removal was cut off, and somebody may have been in there
        saved = snapshots.save(tree.worktree, beside, message)
    elif removal.is_to_be_replaced(tree):
        saved = removal.keep_all(tree, beside, message)
    if saved is not None:
        left_out = saved.left_out[:20]
        journal.note(records.home(worker.id), "saved beside", ref=beside, left_out=left_out)
    is_whole = bool(worker.cleaned)
    removal.bring_back(tree, ref, lambda: _alone_with_git(records), is_whole=is_whole)
    return ref


def _is_meant(worker: Worker, options: CleanOptions) -> bool:
    if options.ids:
        return worker.id in options.ids
    if not worker.finished or not worker.cleaned:
        return worker.finished
    is_left = removal.is_half_gone(worker.path) or own.stands(worker.path, worker.branch)
    return bool(worker.branch) and is_left


def _clean_one(
    context: Context, worker: Worker, options: CleanOptions, looks: dict[str, Look]
) -> CleanResult:
    records = context.records
    try:
        if worker.project not in looks and worker.branch:
            looks[worker.project] = Look(worker.project)
        look = looks.get(worker.project)
        why_not = _first_refusal_reason(records.load(worker.id), options, look)
        if why_not or options.is_dry_run:
            return CleanResult(worker, why_not, 0 if why_not else _size(worker))
        with _alone_with(records, worker.id):
            return _attempt(context, records.load(worker.id), options)
    except (WorkerManagerError, OSError) as error:
        return CleanResult(worker, text_of(error))


def _first_refusal_reason(worker: Worker, options: CleanOptions, look: Look | None) -> str:
    """Why it stays, as far as a first look tells; empty when it may go."""
    if not worker.finished or not worker.branch or look is None:
        return _unfinished(worker)
    return _refusal_reason(
        worker, removal.find(look.seen, worker.path, worker.branch), options, look
    )


def _unfinished(worker: Worker) -> str:
    if worker.finished:
        return ""
    return f"it is {worker.status.value}: wait for its report, or stop it"


def _attempt(context: Context, worker: Worker, options: CleanOptions) -> CleanResult:
    if not worker.finished:  # by now: it was restored
        return CleanResult(worker, _unfinished(worker))
    context.runtime.end(worker.handle)
    if not worker.branch:
        _, after = context.records.update(
            worker.id, lambda one: one._replace(cleaned=NOTHING, closed=True)
        )
        return CleanResult(after, "")
    # Its session has ended: this look is the one that counts.
    look = Look(worker.project)
    why_not, freed = _first_refusal_reason(worker, options, look), _size(worker)
    if not why_not:
        tree = removal.find(look.seen, worker.path, worker.branch)
        why_not = _set_aside_and_take_away(context, worker, tree)
    if not why_not:
        journal.note(context.home_of(worker), "cleaned")
    return CleanResult(context.records.load(worker.id), why_not, 0 if why_not else freed)


def _size(worker: Worker) -> int:
    """The bytes that its worktree takes."""
    return deletion.size(worker.path) if own.stands(worker.path, worker.branch) else 0


def _set_aside_and_take_away(context: Context, worker: Worker, tree: Tree) -> str:
    """As `_take_away`; what could not even be saved is back where it was."""
    aside = removal.set_aside(tree)
    try:
        return _take_away(context, worker, aside)
    except (WorkerManagerError, OSError):
        if not context.records.load(worker.id).cleaned:
            removal.put_back(aside)
        raise


def _take_away(context: Context, worker: Worker, tree: Tree) -> str:
    """Saves it, notes where, and only then deletes what was there before it was saved: a process
    that outlived the session may still write. Gives why something stays.
    """
    place = tree.worktree.path if tree.worktree else ""
    left: list[str] = []
    for _ in range(ROUNDS):
        seen = deletion.inventory(place) if place else {}
        unsaved = _save(context, context.records.load(worker.id), tree)
        if unsaved and os.path.join(place, unsaved) not in seen:  # it came in this moment
            left = [unsaved]
            continue
        if unsaved:  # force or not: what git can't save is not removed
            removal.put_back(tree)
            return f"{unsaved!r} in it can't be saved: commit or move it"
        left = deletion.delete(place, seen) if place else []
        if not left:
            with _alone_with_git(context.records):
                removal.finish(tree)
            return ""
    return f"a process still writes {left[0]!r}: end it. What was there before is saved"


def _save(context: Context, worker: Worker, tree: Tree) -> str:
    """Save all of it, or what has come since it was saved. Return a file that could not be, or
    nothing.
    """
    records = context.records
    if tree.worktree is None and worker.cleaned:
        return ""
    if not (tree.worktree or tree.tip or tree.head):  # somebody removed all of it
        if worker.saved and removal.commit_at(tree, worker.saved):
            records.update(worker.id, lambda one: one._replace(cleaned=one.saved, closed=True))
            return ""
        tree = tree._replace(tip=_last_known(worker, tree))
    ref, saved = _new_ref(worker), None
    transcript = context.transcript(worker)
    message = f"Worker {worker.id} before it was cleaned\n\nTranscript: {transcript}"
    if tree.worktree is not None and worker.cleaned:
        tips = [one for one in dict.fromkeys([tree.tip, tree.head]) if one]
        saved = snapshots.keep_later(tree.worktree, ref, message, tips, worker.cleaned)
    else:
        saved = removal.keep_all(tree, ref, message)
    if saved is None:
        return ""
    if not saved.left_out:
        records.update(worker.id, lambda one: one._replace(cleaned=ref, closed=True))
    return saved.left_out[0] if saved.left_out else ""


def _last_known(worker: Worker, tree: Tree) -> str:
    """The commit at which its branch stood, as far as the record knows."""
    known = [worker.merge.tip] if worker.merge else []
    found = (removal.commit_at(tree, one) for one in (*known, worker.base_sha))
    return next(filter(None, found), "")


def _new_ref(worker: Worker) -> str:
    return f"refs/worker-manager/{worker.id}/{time.time_ns()}"


def _refusal_reason(worker: Worker, tree: Tree, options: CleanOptions, look: Look) -> str:
    """Why it stays; empty when it may go."""
    unsafe = "" if options.force else _unsafe(worker, tree, look)
    return removal.forbidden(look.seen, tree) or unsafe


def _unsafe(worker: Worker, tree: Tree, look: Look) -> str:
    """What would be hard to find again, or is not known."""
    if worker.cleaned and tree.worktree is None:
        return ""  # all of it is saved
    goals = _goals(worker, look)
    if worker.merge and worker.is_merge_open:
        return f"its merge into {worker.merge.into}, or the checks of it, was cut off: merge it"
    if tree.tip and not _is_merged(worker, tree, tree.tip, goals, look):
        into = worker.merge.into if worker.merge else worker.base_branch
        return f"its branch is not merged into {into}: merge it first"
    if tree.head and not _is_merged(worker, tree, tree.head, [*goals, tree.tip], look):
        on = removal.branch_of(tree)
        where = f"{tree.head[:12]} on its branch {on}" if on else tree.head[:12]
        return f"its worktree stands at {where}, which {worker.branch} does not have"
    if not tree.tip and not tree.head:
        tip = worker.merge.tip if worker.merge else ""
        if not tip or not _is_merged(worker, tree, tip, goals, look):
            return f"its branch {worker.branch} is gone, and what it held is not known"
    if tree.worktree is None:
        return f"its worktree {tree.path} was moved or removed" if tree.admin else ""
    return next(losses.of(tree.worktree).reasons(), "")


def _goals(worker: Worker, look: Look) -> list[str]:
    """Where the branches stand now into which its work goes."""
    named = dict.fromkeys([worker.base_branch, worker.merge.into if worker.merge else ""])
    return [look.seen.tips[one] for one in named if one in look.seen.tips]


def _is_merged(worker: Worker, tree: Tree, sha: str, goals: Sequence[str], look: Look) -> bool:
    """Whether a commit of its own is in one of the goals, or stands there as what it was merged as:
    as it is now. A merge may have been undone since.
    """
    if sha in (worker.base_sha, *goals):
        return True  # it has done nothing, or all of it is there
    merge = worker.merge
    wanted = [sha]
    if merge and not worker.is_merge_open and merge.tip == sha:
        wanted.append(merge.sha)
    return any(look.holds(goal, tree, one) for goal in goals if goal for one in wanted)


@contextmanager
def _alone_with(records: Records, worker_id: str) -> Iterator[None]:
    """Nobody else cleans it or brings it back: that may take long, and holds up no other worker."""
    with exclusive(os.path.join(records.home(worker_id), "tree.lock"), timeout_seconds=120):
        yield


@contextmanager
def _alone_with_git(records: Records) -> Iterator[None]:
    """Nobody else makes or removes a worktree: git itself fails when two do."""
    with exclusive(os.path.join(records.repository, "git.lock"), timeout_seconds=120):
        yield
