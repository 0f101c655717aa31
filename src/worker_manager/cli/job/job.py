"""One `run`: its workers from their start to their end."""

from __future__ import annotations

from collections.abc import Sequence

import click

from worker_manager.cli.exit_codes import Exit
from worker_manager.cli.job import merge_offer
from worker_manager.cli.job.follower import Follower
from worker_manager.cli.job.reporter import Reporter
from worker_manager.cli.terminal.live_area import Live
from worker_manager.cli.terminal.spinner import busy
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status, Worker
from worker_manager.text.commands import for_people
from worker_manager.views import announcements
from worker_manager.views.needs import Kind


class Job:
    """Workers of one fleet, the given ones or those that it starts."""

    def __init__(
        self, fleet: Fleet, ids: Sequence[str], *, is_attended: bool, as_json: bool
    ) -> None:
        self._fleet = fleet
        self._ids = list(ids)
        self._is_attended = is_attended
        self._live = Live()
        self._reporter = Reporter(self._live, as_json=as_json)

    def start(self, wanted: Sequence[StartRequest]) -> None:
        """Starts a worker for each. Raises a WorkerManagerError; those before go on."""
        for one in wanted:
            with busy("starting a worker"):
                started = self._fleet.start(one)
            worker = started.worker
            self._ids.append(worker.id)
            place = self._fleet.place_in_queue(worker)
            reason = f"{place}: {worker.reason}" if place else ""
            text = "\n".join(announcements.started(started, reason, for_people))
            self._reporter.say("started", worker, text)

    def follow(self) -> list[Worker]:
        """As `Follower.follow`."""
        with self._live:
            follower = Follower(
                self._fleet, self._ids, self._reporter, is_attended=self._is_attended
            )
            workers = follower.follow()
            self._reporter.pause()
            for worker, need in follower.needs(workers):
                way = "attach" if need.kind is Kind.TERMINAL else "answer"
                text = (
                    f"{worker.name} waits for you. Answer, then follow it again:\n"
                    f"  worker-manager {way} {worker.id}\n"
                    f"  worker-manager run --follow {worker.id}"
                )
                self._reporter.say("needs", worker, text)
        return workers

    def finish(self, workers: Sequence[Worker], *, merge: bool) -> Exit:
        """Merges what is to be merged; how the whole of it ended."""
        merged = merge_offer.bring_home(
            self._fleet, workers, self._reporter, wanted=merge, is_attended=self._is_attended
        )
        for worker in workers:
            self._reporter.say("ended", worker, f"{worker.name} {worker.status.value}")
        if any(worker.status in (Status.FAILED, Status.STOPPED) for worker in workers):
            return Exit.NOT_COMPLETED
        if any(not worker.finished for worker in workers):
            return Exit.NEEDS_YOU
        return Exit.OK if merged else Exit.NOT_MERGED

    def say_how_to_come_back(self) -> None:
        """What runs still, and the commands that lead there."""
        self._live.clear()
        if not self._ids:
            return
        ids = " ".join(self._ids)
        follow = " ".join(f"--follow {one}" for one in self._ids)
        click.echo(
            f"\nThe workers go on: {ids}\n"
            f"  follow them again  worker-manager run {follow}\n"
            f"  look at one        worker-manager attach {self._ids[0]}\n"
            f"  end one            worker-manager stop {self._ids[0]}",
            err=True,
        )
