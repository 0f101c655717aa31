"""The end of a `run`: what completed workers bring, and whether that is merged."""

from __future__ import annotations

from collections.abc import Sequence

from worker_manager.cli.job.reporter import Reporter
from worker_manager.cli.terminal import prompts
from worker_manager.cli.terminal.diffs import changes, show
from worker_manager.cli.terminal.spinner import busy
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.domain import message
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import WorkerManagerError
from worker_manager.text import rendering
from worker_manager.text.commands import for_people
from worker_manager.views import announcements
from worker_manager.worktrees import changes as changed

_YES, _NO, _DIFF = "yes", "no", "diff"


def bring_home(
    fleet: Fleet, workers: Sequence[Worker], reporter: Reporter, *, wanted: bool, is_attended: bool
) -> bool:
    """Merges what completed when that is `wanted`, or the person says yes. False when a merge
    was refused.
    """
    done = [one for one in workers if one.status is Status.COMPLETED and _has_commits(one)]
    refused = False
    for worker in done:
        # A completion tells how much was changed.
        if message.COMPLETION not in reporter.letters.get(worker.id, ()):
            reporter.say("changed", worker, changes(fleet, worker, stat=True))
        if wanted or (is_attended and _is_agreed(fleet, worker)):
            refused = not _merge(fleet, worker, reporter) or refused
        else:
            text = f"{worker.name} is ready: worker-manager merge {worker.id}"
            reporter.say("ready", worker, text)
    return not refused


def _has_commits(worker: Worker) -> bool:
    if not worker.branch:
        return False
    progress = changed.progress(worker.path, worker.branch, worker.base_sha)
    return progress is not None and progress.commits > 0


def _is_agreed(fleet: Fleet, worker: Worker) -> bool:
    choices = {"y": _YES, "d": _DIFF, "n": _NO}
    while True:
        chosen = prompts.choice(f"Merge {worker.id} into {worker.base_branch}?", choices)
        if chosen != _DIFF:
            return chosen == _YES
        show(changes(fleet, worker))


def _merge(fleet: Fleet, worker: Worker, reporter: Reporter) -> bool:
    try:
        with busy(f"merging {worker.name}"):
            merged = fleet.merge(worker.id, MergeOptions())
    except WorkerManagerError as error:
        text = "\n".join(filter(None, (for_people(error.text), error.shown)))
        reporter.say("refused", worker, rendering.clean(text))
        return False
    changed = rendering.clean(merged.changed).rstrip()
    clean = f"worker-manager clean {worker.id} removes its worktree and branch."
    said = announcements.merged(merged)
    reporter.say("merged", merged.worker, "\n".join(filter(None, (said, changed, clean))))
    return True
