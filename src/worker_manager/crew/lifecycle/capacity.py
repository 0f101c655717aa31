"""How many workers this machine takes at once."""

from __future__ import annotations

import os
from datetime import datetime

from worker_manager.agents import account_of
from worker_manager.crew.presence import surely_runs
from worker_manager.domain.worker import Status, Worker
from worker_manager.runtimes.base import Presence, Runtime
from worker_manager.state import consults, usage_limit
from worker_manager.state.files import disk_errors
from worker_manager.state.layout import WORKERS
from worker_manager.state.workers import launches
from worker_manager.state.workers.records import Records

#: Workers mostly wait for their model.
WORKERS_FOR_EACH_CORE = 4
#: A Claude Code session, its servers, and a little for what it runs.
NEEDED_BYTES = 700_000_000


class Machine:
    """What is at work here, whichever session has started it. Asked again, it reads again only the
    records that have changed.
    """

    def __init__(self, root: str, runtime: Runtime) -> None:
        self._root = root
        self._runtime = runtime
        self._records: dict[str, Records] = {}

    def blocking_reason(self, max_workers: int, at_hand: Records) -> str:
        """Why no further worker is to be started; empty when there is room. `max_workers` is the
        setting; 0: measured. What was read of the records `at_hand` is not read again.
        """
        self._records[at_hand.repository] = at_hand
        busy = self._at_work()
        if max_workers:
            return f"max_workers is {max_workers}" if busy >= max_workers else ""
        cores = os.cpu_count() or 1
        if busy >= WORKERS_FOR_EACH_CORE * cores:
            return f"{WORKERS_FOR_EACH_CORE} workers for each of {cores} cores have a session"
        if busy and _free_bytes() < NEEDED_BYTES:
            return f"a worker needs {NEEDED_BYTES // 1_000_000} MB of memory, less is free"
        return ""

    def limit_reason(self, agent: str) -> str:
        """Why no worker of this agent is to be started, whatever room there is; else empty."""
        limited = usage_limit.until(self._root, account_of(agent))
        if not limited:
            return ""
        return f"the usage limit is reached until {datetime.fromtimestamp(limited):%a %H:%M}"

    def _at_work(self) -> int:
        """How many workers are unfinished and have, or are about to have, a session."""
        unfinished = [one for one in self._all() if _counts(one)]
        doubtful = [one for one in unfinished if not surely_runs(one)]
        presences = self._runtime.probe([one.handle for one in doubtful])
        return len(unfinished) - sum(
            presences[one.handle] is Presence.GONE and not launches.is_under_way(one)
            for one in doubtful
        )

    def _all(self) -> list[Worker]:
        with disk_errors(self._root):
            found = [entry.path for entry in os.scandir(self._root)]
        folders = [path for path in found if not consults.is_one(path)]
        repositories = [one for one in folders if os.path.isdir(os.path.join(one, WORKERS))]
        known = [self._records.setdefault(one, Records(one)) for one in repositories]
        return [worker for records in known for worker in records.all()]


def _counts(worker: Worker) -> bool:
    return not worker.finished and worker.status is not Status.QUEUED


def _free_bytes() -> int:
    import psutil  # 10 ms, for some starts only

    return int(psutil.virtual_memory().available)
