"""What the use cases of one orchestrator stand on: its workers, their records, where they live, and
the settings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from worker_manager.agents import agent_in_record
from worker_manager.agents.base import Meter, Usage
from worker_manager.config import Settings
from worker_manager.crew import activity
from worker_manager.crew.presence import fail_vanished, is_gone, surely_runs
from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, Text, WorkerFinished, WorkerNotFound, step
from worker_manager.runtimes.base import Runtime
from worker_manager.state import sessions
from worker_manager.state.layout import mailbox_path, repository_of, transcript_of
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers import launches
from worker_manager.state.workers.records import Records


class Context:
    """`home` is asked at each use: after /clear or /resume the same server may speak for another
    session. `root` is the state directory, `project` the directory of the session.
    """

    def __init__(
        self,
        *,
        root: str,
        home: Callable[[], str],
        project: str,
        settings: Settings,
        runtime: Runtime,
    ) -> None:
        self.root = root
        self.project = project
        self.settings = settings
        self.runtime = runtime
        self._home = home
        self._records = Records("")
        self._meters: dict[str, Meter] = {}

    @property
    def home(self) -> str:
        """This orchestrator's directory."""
        return self._home()

    @property
    def owner(self) -> str:
        """This orchestrator's id."""
        return os.path.basename(self.home)

    @property
    def is_attended(self) -> bool:
        """Whether a session runs that it belongs to: its server supervises the workers."""
        return bool(sessions.attending(self.root, self.home))

    @property
    def mailbox(self) -> Mailbox:
        """This orchestrator's mailbox."""
        return Mailbox(mailbox_path(self.home))

    @property
    def records(self) -> Records:
        """The records of this orchestrator's repository."""
        repository = repository_of(self.home)
        if self._records.repository != repository:
            self._records = Records(repository)
        return self._records

    def home_of(self, worker: Worker) -> str:
        """A worker's directory."""
        return self.records.home(worker.id)

    def own(self, everybody: Sequence[Worker] | None = None) -> list[Worker]:
        """This orchestrator's workers, oldest first, as the records have them. `everybody` is what
        the records said just now.
        """
        owner, workers = self.owner, self.records.all() if everybody is None else everybody
        return [worker for worker in workers if worker.owner == owner]

    def worker(self, worker_id: str) -> Worker:
        """One of this orchestrator's workers. Raises WorkerNotFound."""
        worker = self.records.load(worker_id)
        if worker.owner != self.owner:
            raise WorkerNotFound(worker_id)
        return worker

    def look_at(self, worker_id: str) -> Worker:
        """One of this orchestrator's workers, after a look whether it is still there."""
        worker = self.worker(worker_id)
        if surely_runs(worker):
            return worker
        fail_vanished(self.records, [worker], self.runtime)
        return self.worker(worker_id)

    def reachable(self, worker_id: str) -> Worker:
        """A worker that could read a message. Raises WorkerFinished when it has ended."""
        worker = self.look_at(worker_id)
        if worker.status in (Status.FAILED, Status.STOPPED):
            raise WorkerFinished(worker_id, worker.status.value, worker.reason)
        return worker

    def require_session(self, worker: Worker) -> None:
        """Raises InvalidInput when a completed worker's session has ended."""
        if worker.closed or is_gone(worker, self.runtime):
            raise InvalidInput(
                Text(
                    f"Worker {worker.id} is completed and its session has ended. ",
                    step("restore"),
                    " goes on with its conversation.",
                )
            )

    def activity(self, worker: Worker) -> Activity | None:
        """What its session does at this moment, or None."""
        if worker.finished:
            return None
        return activity.activity(self.root, self.home_of(worker), worker.agent)

    def activities(self, workers: Sequence[Worker]) -> dict[str, Activity]:
        """What the sessions of these do at this moment, by home."""
        return activity.activities(self.root, {self.home_of(one): one.agent for one in workers})

    def screen(self, worker: Worker) -> str:
        """What its terminal shows, or showed last; empty when that isn't known."""
        return self.runtime.screen(worker.handle) or launches.read_pane(self.home_of(worker))

    def transcript(self, worker: Worker) -> str:
        """Where its session writes what it does; empty when that isn't known."""
        return transcript_of(self.home_of(worker))

    def usage(self, worker: Worker) -> Usage | None:
        """What it has used of its model; None when nobody knows."""
        meter = self._meters.get(worker.agent)
        if meter is None:
            meter = agent_in_record(worker.agent).meter(self.settings.prices)
            meter = self._meters.setdefault(worker.agent, meter)
        return meter.usage(self.transcript(worker))
