"""Follows workers until each has finished, or waits for what nobody here gives."""

from __future__ import annotations

import time
from collections.abc import Sequence

from worker_manager.cli.job import answers
from worker_manager.cli.job.reporter import Reporter
from worker_manager.cli.terminal import letters
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.supervision.background import BackgroundSupervisor
from worker_manager.domain.worker import Worker
from worker_manager.state.mail import waits
from worker_manager.views import needs
from worker_manager.views.needs import Need

LOOK_SECONDS = 0.3


class Follower:
    """Follows workers of one fleet. With a person there (`is_attended`) that one is asked for what
    they wait for.
    """

    def __init__(
        self, fleet: Fleet, ids: Sequence[str], reporter: Reporter, *, is_attended: bool
    ) -> None:
        self._fleet = fleet
        self._ids = ids
        self._reporter = reporter
        self._is_attended = is_attended
        self._seen: set[str] = set()
        #: What nobody here gives: keys of needs.
        self._left: set[str] = set()

    def follow(self) -> list[Worker]:
        """Returns when none of them goes on by itself any more; as they are then. Raises
        KeyboardInterrupt.
        """
        # What comes from now on the doorbell of a session leaves to us.
        with (
            waits.registered_wait(self._fleet.home),
            BackgroundSupervisor(lambda: self._fleet.supervisor),
        ):
            while True:
                workers = self._workers()
                is_over = all(map(self._is_settled, workers))
                self._show_letters()
                if is_over:
                    return workers
                self._reporter.statuses(self._fleet, workers)
                if not self._ask_for_needs(workers):
                    time.sleep(LOOK_SECONDS)

    def needs(self, workers: Sequence[Worker]) -> list[tuple[Worker, Need]]:
        """What they wait for."""
        found = [(one, needs.of(self._fleet, one)) for one in workers]
        return [(one, need) for one, need in found if need is not None]

    def _workers(self) -> list[Worker]:
        """Whoever owns them by now."""
        return [self._fleet.records.load(worker_id) for worker_id in self._ids]

    def _is_settled(self, worker: Worker) -> bool:
        need = None if worker.finished else needs.of(self._fleet, worker)
        is_given = need is not None and self._is_attended and need.key not in self._left
        needed = need.letter_id if need is not None and not is_given else None
        return needs.is_settled(worker, needed, self._has_letter)

    def _has_letter(self, message_id: str) -> bool:
        return message_id in self._seen or self._fleet.mailbox.contains(message_id)

    def _show_letters(self) -> None:
        while claim := self._fleet.claim_from(self._ids):
            by_id = {one.id: one for one in self._workers()}
            for message in claim.messages:
                self._reporter.letter(by_id[message.sender], message)
                self._seen.add(message.id)
            letters.acknowledge(claim)

    def _ask_for_needs(self, workers: Sequence[Worker]) -> bool:
        """Whether somebody was asked: then much may have changed."""
        if not self._is_attended:
            return False
        for worker, need in self.needs(workers):
            is_told = not need.letter_id or self._has_letter(need.letter_id)
            if is_told and need.key not in self._left:
                self._ask(worker, need)
                return True
        return False

    def _ask(self, worker: Worker, need: Need) -> None:
        self._show_letters()
        self._reporter.pause()
        if need.key not in self._seen and need.text:  # its letter was shown somewhere else
            self._reporter.say("needs", worker, answers.text_of(worker, need))
        if not answers.ask_and_give(self._fleet, worker, need):
            self._left.add(need.key)
