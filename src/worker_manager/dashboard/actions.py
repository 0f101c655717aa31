"""What the person does to a worker, in its owner's name: the use cases that its tools have, and
what came of them as a text.
"""

from __future__ import annotations

import shutil

from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.clean import CleanOptions
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.crew.repository import Repository
from worker_manager.dashboard.wording import for_people
from worker_manager.errors import Text, WorkerManagerError, text_of
from worker_manager.runtimes.tmux import client
from worker_manager.text import rendering
from worker_manager.views import announcements


class Refused(WorkerManagerError):
    """It was not done; the text says why, in words for people."""


class Actions:
    """Each raises WorkerManagerError or OSError, and gives what is to be said of it."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def nudge(self, worker_id: str, text: str) -> str:
        """Sends a text, as its answer when it asks."""
        fleet = self._fleet(worker_id)
        before, message = fleet.nudge(worker_id, text)
        outcome = fleet.carry(before, message)
        is_answer = bool(message.reply_to)
        return announcements.nudged(fleet, before, outcome, is_answer=is_answer)

    def answer(self, worker_id: str, decision: str, reason: str, request_id: str) -> str:
        """Decides about a dialog at its terminal."""
        fleet = self._fleet(worker_id)
        worker, _ = fleet.answer(
            worker_id, decision, reason=reason, request_id=request_id, was_shown_whole=True
        )
        return announcements.answered(fleet, worker)

    def stop(self, worker_id: str, *, force: bool) -> str:
        """Asks it to stop, or ends it now."""
        fleet = self._fleet(worker_id)
        worker = fleet.stop(worker_id) if force else fleet.ask_to_stop(worker_id)
        return announcements.stopped(worker, for_people)

    def merge(self, worker_id: str, strategy: str) -> str:
        """Brings its branch in; several lines."""
        merged = self._fleet(worker_id).merge(worker_id, MergeOptions(strategy))
        return f"{announcements.merged(merged)}\n\n{merged.changed}"

    def may_clean(self, worker_id: str) -> str:
        """What a clean would take. Raises Refused when it would take nothing."""
        (outcome,) = self._fleet(worker_id).clean(CleanOptions([worker_id], is_dry_run=True))
        if outcome.why_not:
            raise Refused(Text(f"{outcome.worker.name} stays: ", outcome.why_not, "."))
        return (
            f"Worktree, branch and terminal go ({outcome.freed / 1e6:.1f} MB). All of it is saved "
            "before, but for files that git ignores; undo (u) brings it back."
        )

    def clean(self, worker_id: str) -> str:
        """Takes away what it has left."""
        (outcome,) = self._fleet(worker_id).clean(CleanOptions([worker_id]))
        if outcome.why_not:
            raise Refused(Text(f"{outcome.worker.name} stays: ", outcome.why_not, "."))
        return f"Cleaned {outcome.worker.name}; undo (u) brings it back, h shows it."

    def restore(self, worker_id: str) -> str:
        """Brings back what was cleaned, and goes on with its conversation."""
        worker = self._fleet(worker_id).restore(worker_id)
        return announcements.restored(worker, worker.reason)

    def open_window(self, worker_id: str) -> str:
        """Its terminal in a new window of the tmux that the person is in."""
        worker = self._repository.records.load(worker_id)
        wrong = client.show_in_tmux(worker, self.attach_command(worker_id))
        if wrong:
            raise Refused(f"tmux opened no window: {wrong}.")
        return f"Your tmux shows {worker.name}."

    def attach_command(self, worker_id: str) -> list[str]:
        """How its terminal is shown. Raises Refused where there is none."""
        if not shutil.which("tmux"):
            raise Refused("tmux is not installed. Install it, then attach again.")
        worker = self._repository.records.load(worker_id)
        fleet = self._repository.fleet_of(worker)
        if not fleet.has_terminal(worker):
            raise Refused(f"{worker.name} has no terminal now; undo (u) makes a new one.")
        return fleet.attach_command(worker)

    def _fleet(self, worker_id: str) -> Fleet:
        return self._repository.fleet_of(self._repository.records.load(worker_id))


def sentence_of(error: WorkerManagerError | OSError) -> str:
    """What is said of an error, in words for people."""
    shown = getattr(error, "shown", "")
    text = for_people(text_of(error))
    return rendering.clean(f"{text}\n\n{shown}" if shown else text)
