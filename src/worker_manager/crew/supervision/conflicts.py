"""Notices while workers are at it that their work will not fit together: merges in memory, and only
of branches that have moved since the last look, which may have been another process's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from worker_manager.crew.context import Context
from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers, message
from worker_manager.domain.worker import Status, Worker
from worker_manager.state import journal, looks
from worker_manager.state.layout import repository_identity
from worker_manager.state.locking import exclusive
from worker_manager.worktrees import merging, snapshots, trees
from worker_manager.worktrees.merging import Trial

#: Whose work is still to come in.
_GONE = (Status.FAILED, Status.STOPPED)


class Pair(NamedTuple):
    """A worker, and what its work may not fit with: another worker, or its base branch."""

    worker: Worker
    other: Worker | None

    @property
    def branches(self) -> tuple[str, str]:
        """Their names in git."""
        return self.worker.branch, self.other.branch if self.other else self.worker.base_branch

    @property
    def message_id(self) -> str:
        """Of the one message that tells of it."""
        other = self.other.id if self.other else f"branch {self.worker.base_branch}"
        return identifiers.message_id_of(f"conflict {self.worker.id} {other}")


#: Where branches stood at the last look, in the orchestrator's directory.
_TIPS = "tips.json"


class Radar:
    """What was seen at the last look."""

    def __init__(self) -> None:
        self._tips: dict[str, str] | None = None
        self._stamp: tuple[object, ...] = ()
        self._told: set[str] = set()

    def look(self, context: Context, workers: Sequence[Worker]) -> None:
        """Tell the owner of each pair that does not fit together, once. Asks git nothing
        when no branch has moved. Raises WorktreeRefused or NotARepository.
        """
        open_ones = [one for one in workers if _is_open(one)]
        if not open_ones:
            return
        directory = open_ones[0].project
        named = sorted({name for one in open_ones for name in (one.branch, one.base_branch)})
        stamp = trees.tip_stamp(repository_identity(directory), named)
        if stamp and stamp == self._stamp:
            return
        tips = trees.tips(directory, named)
        before = looks.read(context.home, _TIPS) if self._tips is None else self._tips
        moved = {name for name, sha in tips.items() if before.get(name) != sha}
        pairs = list(_pairs(open_ones, tips, moved))
        if pairs:
            with snapshots.scratch_objects(directory) as scratch:
                for pair in pairs:
                    if pair.message_id not in self._told:
                        ours, theirs = (tips[name] for name in pair.branches)
                        trial = merging.try_merge(directory, theirs, ours, scratch)
                        if trial.files:
                            _tell(context, directory, pair, trial, tips)
                            self._told.add(pair.message_id)
        if tips != before:
            looks.write(context.home, _TIPS, tips)
        self._tips, self._stamp = tips, stamp


def _is_open(worker: Worker) -> bool:
    return bool(worker.branch) and not worker.cleaned and worker.status not in _GONE


def _pairs(workers: Sequence[Worker], tips: dict[str, str], moved: set[str]) -> Iterator[Pair]:
    """Those of which one has moved, and that have something of their own."""
    at_work = [
        one
        for one in workers
        if tips.get(one.branch, one.base_sha) != one.base_sha
        and not one.merged_at(tips[one.branch])
    ]
    pairs = [Pair(one, None) for one in at_work if one.base_branch in tips]
    pairs += [Pair(one, other) for one, other in combinations(at_work, 2)]
    return (pair for pair in pairs if moved.intersection(pair.branches))


def _tell(context: Context, directory: str, pair: Pair, trial: Trial, tips: dict[str, str]) -> None:
    records = context.records
    body = _body(directory, pair, trial, tips)
    with exclusive(reports.report_lock(records, pair.worker.id)):
        worker = records.load(pair.worker.id)
        if reports.tell_once(records, worker, message.CONFLICT, pair.message_id, body):
            journal.note(records.home(worker.id), "conflict", files=list(trial.files[:20]))


def _body(directory: str, pair: Pair, trial: Trial, tips: dict[str, str]) -> str:
    files = ", ".join(repr(name) for name in trial.files[:20])
    if len(trial.files) > 20:
        files += f" and {len(trial.files) - 20} more"
    said = "\n".join(trial.said[:10])
    if pair.other is None:
        return (
            f"Its branch {pair.worker.branch} is in conflict with {pair.worker.base_branch} in: "
            f"{files}.\n{said}\nProposed: have it merge {pair.worker.base_branch} into its branch "
            f'and resolve that: nudge_worker(id="{pair.worker.id}", message=...).'
        )
    first, second = _in_order(directory, pair.worker, pair.other, tips)
    return (
        f"The branches of workers {pair.worker.id} ({pair.worker.name}) and {pair.other.id} "
        f"({pair.other.name}) are in conflict in: {files}.\n{said}\n"
        f"Proposed: merge_worker {first.id} ({first.status.value}) first; then have {second.id} "
        f"({second.status.value}) merge {first.base_branch} into its branch and resolve that."
    )


def _in_order(
    directory: str, one: Worker, other: Worker, tips: dict[str, str]
) -> tuple[Worker, Worker]:
    """Who has completed goes first; else who has changed less; else the older one."""

    def rank(worker: Worker) -> tuple[bool, int, str]:
        tip = tips[worker.branch]
        files = merging.changed_files(directory, worker.base_sha, tip)
        return worker.status is not Status.COMPLETED, len(files), worker.created_at

    first, second = sorted((one, other), key=rank)
    return first, second
