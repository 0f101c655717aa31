"""What an orchestrator can do: start, list, nudge and stop workers, read their mail.

Callable without MCP. Everything that reads the records first makes them agree with the world.
Starts, merges and cleaning are loaded when they are called: listing needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from worker_manager.agents.base import Usage
from worker_manager.config import Settings
from worker_manager.crew.context import Context
from worker_manager.crew.lifecycle import adopt as adoption
from worker_manager.crew.lifecycle import stop as stops
from worker_manager.crew.lifecycle.launch import Launcher, attach_line, plugin_root
from worker_manager.crew.lifecycle.queue import place_in, queue
from worker_manager.crew.messaging import mail, replies, wake
from worker_manager.crew.supervision import budgets
from worker_manager.crew.supervision.supervisor import Supervisor
from worker_manager.domain.message import Message
from worker_manager.domain.screen import Screen
from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Worker
from worker_manager.runtimes.base import Runtime
from worker_manager.runtimes.registry import open_runtime
from worker_manager.state.mail.inbox import Claim
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import Records

if TYPE_CHECKING:
    from worker_manager.crew.integration import clean as cleaning
    from worker_manager.crew.integration import merge as merges
    from worker_manager.crew.lifecycle.request import Started, StartRequest
    from worker_manager.crew.lifecycle.start import Starts


class Fleet:
    """The workers of one orchestrator. `home` is asked at each use: after /clear or /resume
    the same server may speak for another session.
    """

    def __init__(
        self,
        *,
        root: str,
        home: Callable[[], str],
        project: str,
        plugin_root: str,
        settings: Settings,
        runtime: Runtime,
    ) -> None:
        self.context = Context(
            root=root, home=home, project=project, settings=settings, runtime=runtime
        )
        self._launcher = Launcher(runtime, root, plugin_root)
        self.supervisor = Supervisor(self.context, lambda: self._starts)

    @cached_property
    def _starts(self) -> Starts:
        from worker_manager.crew.lifecycle.start import Starts

        context = self.context
        return Starts(self._launcher, context.project, context.settings)

    @property
    def home(self) -> str:
        """This orchestrator's directory."""
        return self.context.home

    @property
    def owner(self) -> str:
        """This orchestrator's id."""
        return self.context.owner

    @property
    def is_attended(self) -> bool:
        """Whether a session runs that it belongs to: its server supervises the workers."""
        return self.context.is_attended

    @property
    def idle_seconds(self) -> int:
        """Seconds without activity after which the owner is notified."""
        return self.context.settings.idle_seconds

    @property
    def mailbox(self) -> Mailbox:
        """This orchestrator's mailbox."""
        return self.context.mailbox

    @property
    def records(self) -> Records:
        """The records of this orchestrator's repository."""
        return self.context.records

    def start(self, request: StartRequest) -> Started:
        """As `Starts.start`, for this orchestrator. Raises BudgetSpent, too."""
        if not request.key or self._starts.known(self.records, self.owner, request) is None:
            budgets.require_left(self.context)
        return self._starts.start(self.records, self.owner, request)

    def restore(self, worker_id: str, text: str = "") -> Worker:
        """As `Starts.restore`, of one of this orchestrator's workers."""
        return self._starts.restore(self.records, self.worker(worker_id), text)

    def queue(self) -> list[Worker]:
        """This orchestrator's workers that wait for room, the next one first."""
        return queue(self.records, self.owner)

    def place_in_queue(self, worker: Worker) -> str:
        """`2 of 3`; empty when it does not wait."""
        return place_in(self.queue(), worker)

    def workers(
        self,
        everybody: Sequence[Worker] | None = None,
        meanwhile: Callable[[list[Worker]], object] | None = None,
    ) -> list[Worker]:
        """This orchestrator's workers, oldest first, after a look at the world. `everybody` is what
        the records said just now; `meanwhile` is done with this orchestrator's, as they were, while
        the runtime is asked.
        """
        own, writes = self.context.own(everybody), self.records.writes
        self.supervisor.reconcile(own, None if meanwhile is None else lambda: meanwhile(own))
        return own if self.records.writes == writes else self.context.own()

    def worker(self, worker_id: str) -> Worker:
        """One of this orchestrator's workers; raises WorkerNotFound."""
        return self.context.worker(worker_id)

    def look_at(self, worker_id: str) -> Worker:
        """One of this orchestrator's workers, after a look whether it is still there."""
        return self.context.look_at(worker_id)

    def screen(self, worker: Worker) -> str:
        """What its terminal shows, or showed last; empty when that isn't known."""
        return self.context.screen(worker)

    def live_screen(self, worker: Worker) -> Screen | None:
        """What its terminal shows at this moment, with its colours; None when it can't be asked."""
        return self.context.runtime.look(worker.handle)

    def has_terminal(self, worker: Worker) -> bool:
        """Whether one can attach to it: its program may have ended there."""
        return self.context.runtime.is_there(worker.handle)

    def nudge(self, worker_id: str, text: str, *, key: str = "") -> tuple[Worker, Message]:
        """Put a message into a worker's mailbox: see `replies.nudge`."""
        return replies.nudge(self.context, worker_id, text, key=key, attach=attach_line)

    def carry(self, worker: Worker, message: Message) -> wake.WakeResult:
        """Wake the worker until it takes a message of `nudge`: see `wake.ensure_delivered`."""
        return wake.ensure_delivered(self.context, worker, message)

    def answer(
        self,
        worker_id: str,
        decision: str,
        *,
        reason: str = "",
        request_id: str = "",
        was_shown_whole: bool = False,
    ) -> tuple[Worker, Message]:
        """Answer a dialog at a worker's terminal: see `replies.answer`."""
        return replies.answer(
            self.context,
            worker_id,
            decision,
            reason=reason,
            request_id=request_id,
            was_shown_whole=was_shown_whole,
            attach=attach_line,
        )

    def stop(self, worker_id: str) -> Worker:
        """End a worker's session now; its worktree, branch and files stay, and what no commit
        holds is saved.
        """
        return stops.end(self.context, self.worker(worker_id).id)

    def ask_to_stop(self, worker_id: str) -> Worker:
        """Ask a worker to finish, or to refuse, before its session ends: see `stop.ask_to_stop`."""
        return stops.ask_to_stop(self.context, self.worker(worker_id))

    def stop_unfinished(self) -> list[str]:
        """End the session of every unfinished worker of this orchestrator. Returns their ids."""
        return stops.end_each(self.context, self.workers())

    def merge(self, worker_id: str, options: merges.MergeOptions) -> merges.Merged:
        """Merge a finished worker's branch: see `merge.merge`."""
        from worker_manager.crew.integration import merge as merges

        return merges.merge(self.context, worker_id, options)

    def merge_all(
        self, worker_ids: Sequence[str], options: merges.MergeOptions
    ) -> list[merges.Merged]:
        """Merge one after the other: see `merge.merge_all`."""
        from worker_manager.crew.integration import merge as merges

        return merges.merge_all(self.context, worker_ids, options)

    def clean(self, options: cleaning.CleanOptions) -> list[cleaning.CleanResult]:
        """Remove what finished workers have left, so that it can be restored: see `clean.clean`."""
        from worker_manager.crew.integration import clean as cleaning

        return cleaning.clean(self.context, self.workers(), options)

    def orphans(self, everybody: Sequence[Worker]) -> list[Worker]:
        """Workers in this repository whose orchestrator is gone: see `adopt.orphans`."""
        return adoption.orphans(self.context.root, self.records, self.owner, everybody)

    def adopt(self, worker_ids: Sequence[str] = (), *, force: bool = False) -> list[Worker]:
        """Take over orphans, or the workers named: see `adopt.adopt`."""
        return adoption.adopt(self.context, worker_ids, force=force)

    def claim_mail(self, *, most: int) -> Claim | None:
        """Claim unread messages, after a look at the world; the caller acknowledges them once they
        were shown.
        """
        self.reconcile()
        return self.claim_waiting(most=most)

    def claim_waiting(self, *, most: int) -> Claim | None:
        """Claim unread messages without reconciling first: see `mail.claim`."""
        return mail.claim(self.context, most=most)

    def claim_from(self, senders: Collection[str]) -> Claim | None:
        """Claim the unread messages of these workers, by id: see `mail.claim_from`."""
        return mail.claim_from(self.context, senders)

    def history(self, *, most: int) -> list[tuple[Message, str]]:
        """The messages that were shown last, and where each lies."""
        return self.mailbox.history(most)

    def activity(self, worker: Worker) -> Activity | None:
        """What its session does at this moment, or None."""
        return self.context.activity(worker)

    def activities(self, workers: Sequence[Worker]) -> dict[str, Activity]:
        """What sessions do at this moment, by home."""
        return self.context.activities(workers)

    def transcript(self, worker: Worker) -> str:
        """Where its session writes what it does; empty when that isn't known."""
        return self.context.transcript(worker)

    def usage(self, worker: Worker) -> Usage | None:
        """What it has used of its model; None when nobody knows."""
        return self.context.usage(worker)

    def attach_command(self, worker: Worker) -> list[str]:
        """How a person looks at the worker's terminal."""
        return self.context.runtime.attach_command(worker.handle)

    def reconcile(self) -> None:
        """Makes this orchestrator's records agree with the world; safe at any time."""
        self.supervisor.reconcile()

    def tidy(self) -> None:
        """Removes what is too old to be of use: no work, only mail shown long ago and drafts."""
        self.records.prune()
        self.mailbox.prune()


def open_fleet(
    *,
    root: str,
    home: Callable[[], str],
    project: str,
    settings: Settings,
    runtime: Runtime | None = None,
) -> Fleet:
    """The fleet of the orchestrator whose directory `home` gives, in the state directory `root`;
    `runtime` where one was opened by these settings before.
    """
    return Fleet(
        root=root,
        home=home,
        project=project,
        plugin_root=plugin_root(),
        settings=settings,
        runtime=runtime or open_runtime(settings.tmux_socket),
    )
