"""Supervises one orchestrator's workers: what must be done although nobody asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from worker_manager.crew.context import Context
from worker_manager.crew.lifecycle import stop
from worker_manager.crew.messaging import decisions
from worker_manager.crew.presence import fail_vanished
from worker_manager.crew.reporting.reports import redeliver_all
from worker_manager.crew.supervision import budgets, limits
from worker_manager.crew.supervision.conflicts import Radar
from worker_manager.crew.supervision.next_check import Delay, delay
from worker_manager.crew.supervision.reconcile import notify_idle, reconcile
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import BudgetSpent, WorkerManagerError
from worker_manager.state import consults, sessions
from worker_manager.state.mail import redelivery
from worker_manager.state.workers import reminders

if TYPE_CHECKING:
    from worker_manager.crew.lifecycle.start import Starts


class Supervisor:
    """Each step may be done by several at once, and again: what it does, it does once. `starts` is
    asked for when there is something to start.
    """

    def __init__(self, context: Context, starts: Callable[[], Starts]) -> None:
        self.context = context
        self._starts = starts
        self._radar = Radar()
        self._idle_since: dict[str, float] = {}  # of those whose owner was notified, by id
        self._began = time.time()

    def reconcile(
        self,
        own: Sequence[Worker] | None = None,
        meanwhile: Callable[[], object] | None = None,
    ) -> None:
        """Makes the records agree with the world; safe at any time. `own` is what they said just
        now; `meanwhile` is done while the runtime is asked.
        """
        workers = self.context.own() if own is None else own
        records = self.context.records
        reconcile(records, workers, self.context.runtime, meanwhile)
        decisions.repair(self.context, workers)
        if any(one.merge and not one.merge.done for one in workers):
            from worker_manager.crew.integration import merge

            merge.resolve_interrupted_merges(self.context, workers)

    def supervise_once(self) -> None:
        """Notices what fires no hook and ends no process, in a few milliseconds. Raises the first
        WorkerManagerError or OSError, after all of it was tried.
        """
        own = self.context.own()
        records, runtime = self.context.records, self.context.runtime
        _each(
            lambda: self._ring_again(own),
            lambda: fail_vanished(records, own, runtime),
            lambda: self._notify_idle(own),
            lambda: stop.stop_overdue(self.context, own),
            lambda: stop.close_completed(self.context, own),
            lambda: limits.go_on(self.context, own),
            lambda: budgets.watch(self.context, own),
            lambda: self._start_queued(own),
            self._sweep_consults,
            lambda: self._radar.look(self.context, own),
        )

    def supervise_unattended(self) -> None:
        """Does it once, unless a server does. What fails is left to the next time, or to the next
        command, which says it.
        """
        with suppress(WorkerManagerError, OSError):
            if not self.context.is_attended:
                self.supervise_once()

    def next_check(self) -> Delay:
        """When `supervise_once` has something to do next, if nothing is heard before."""
        records = self.context.records
        homes = {records.home(one.id): one for one in self.context.own()}
        activities = self.context.activities(list(homes.values()))
        doing = {homes[home].id: activity for home, activity in activities.items()}
        notified = [one.id for home, one in homes.items() if reminders.was_told_of(home)]
        notified += [
            one.id
            for one in homes.values()
            if one.id in self._idle_since
            and one.idle_since(doing.get(one.id)) == self._idle_since[one.id]
        ]
        at = time.time()
        unread = redelivery.next_check(self.context.mailbox, at, self._watched_since)
        workers, settings = list(homes.values()), self.context.settings
        return delay(workers, doing, settings, notified=notified, unread=unread, at=at)

    @property
    def _watched_since(self) -> float:
        """When its session last asked for a watch on the mailbox, or its server began."""
        return max(self._began, sessions.started_at(self.context.home))

    def _ring_again(self, own: Sequence[Worker]) -> None:
        has_dead_readers = redelivery.redeliver_if_due(self.context.mailbox, self._watched_since)
        if has_dead_readers:  # more may have died
            redeliver_all(self.context.records, own)

    def _notify_idle(self, own: Sequence[Worker]) -> None:
        context = self.context
        self._idle_since = notify_idle(
            context.root, context.records, own, context.settings.idle_seconds
        )

    def _sweep_consults(self) -> None:
        if consults.abandoned(self.context.root):
            from worker_manager.crew.lifecycle import consult

            consult.sweep(self.context.root, self.context.runtime)

    def _start_queued(self, own: Sequence[Worker]) -> None:
        if not any(one.status is Status.QUEUED for one in own):
            return
        with suppress(BudgetSpent):
            budgets.require_left(self.context)
            self._starts().start_queued(self.context.records, self.context.owner)


def _each(*steps: Callable[[], None]) -> None:
    """One that fails must not keep the others from being done."""
    failures = []
    for step in steps:
        try:
            step()
        except (WorkerManagerError, OSError) as error:
            failures.append(error)
    if failures:
        raise failures[0]
