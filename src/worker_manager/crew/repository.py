"""What a person at a terminal sees and does: every worker of a repository, whoever started it,
each in the name of its own orchestrator. What acts on workers is loaded once there is one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from worker_manager import config
from worker_manager.config import Settings
from worker_manager.domain.identifiers import is_worker_id
from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput
from worker_manager.state import orchestrators
from worker_manager.state.layout import (
    home_of_session,
    orchestrator_home,
    repository_directory,
    repository_of,
)
from worker_manager.state.workers.records import Records

if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet
    from worker_manager.crew.supervision.supervisor import Supervisor
    from worker_manager.runtimes.base import Runtime


class Repository:
    """The workers of the repository that `directory` belongs to (outside of git: of the
    directory itself). Making one writes nothing. Raises InvalidSetting.
    """

    def __init__(
        self, root: str, directory: str, environ: Mapping[str, str], records: Records | None = None
    ) -> None:
        self.root = root
        self.directory = directory
        #: The records of its workers.
        self.records = records or Records(repository_directory(root, directory))
        self._environ = environ
        self.settings: Settings = config.load(Path(directory), environ)
        self._session_id = environ.get("CLAUDE_CODE_SESSION_ID", "")
        self._fleets: dict[str, Fleet] = {}

    @cached_property
    def runtime(self) -> Runtime:
        """Where its workers live."""
        from worker_manager.runtimes.registry import open_runtime

        return open_runtime(self.settings.tmux_socket)

    def own_fleet(self) -> Fleet:
        """Of whoever calls: a Claude session from its shell, else the person at the terminal."""
        owner = self._caller()
        if owner == orchestrators.TERMINAL:
            orchestrators.open_terminal_home(self.root, self.directory)
        return self._fleet(owner)

    def owns(self, worker: Worker) -> bool:
        """Whether its letters come to whoever calls."""
        return worker.owner == self._caller()

    def fleet_of(self, worker: Worker) -> Fleet:
        """That of the worker's owner: what is done with it is done in the owner's name."""
        return self._fleet(worker.owner)

    def terminal_fleet(self) -> Fleet | None:
        """Of people at terminals; None when they own nothing here. No server supervises it."""
        home = orchestrator_home(self.records.repository, orchestrators.TERMINAL)
        return self._fleet(orchestrators.TERMINAL) if os.path.isdir(home) else None

    def terminal_supervisor(self) -> Supervisor | None:
        """Of the workers of people at terminals, as for `terminal_fleet`."""
        fleet = self.terminal_fleet()
        return fleet.supervisor if fleet else None

    def orphans(self) -> list[Worker]:
        """Workers whose orchestrator is gone, for a person: none of them is one's own."""
        workers = self.records.all()
        if not workers:
            return []
        from worker_manager.crew.lifecycle import adopt

        return adopt.orphans(self.root, self.records, orchestrators.TERMINAL, workers)

    def fleets(self) -> list[Fleet]:
        """Of everybody who owns a worker here."""
        return [self._fleet(owner) for owner in sorted({one.owner for one in self.records.all()})]

    def workers(self) -> list[Worker]:
        """All of them, oldest first, after a look at the world."""
        for fleet in self.fleets():
            fleet.reconcile()
        return self.records.all()

    def find(self, reference: str) -> Worker:
        """By id or name, or a beginning of one of these that fits no other. Raises InvalidInput."""
        workers = self.records.all()
        exact = [one for one in workers if reference in (one.id, one.name)]
        found = exact or [
            one for one in workers if one.id.startswith(reference) or one.name.startswith(reference)
        ]
        if len(found) == 1 and reference:
            return found[0]
        if not found or not reference:
            raise InvalidInput(
                f"No worker here has an id or a name that begins with {reference[:100]!r}. "
                "worker-manager ls shows them."
            )
        raise InvalidInput(f"{reference!r} could be {_listed(found)}. Give more of it.")

    def locate(self, reference: str) -> tuple[Repository, Worker]:
        """As `find`; by its whole id a worker of any repository is found, with that repository: a
        person may stand in any directory.
        """
        try:
            return self, self.find(reference)
        except InvalidInput:
            records = _anywhere(self.root, reference)
            if records is None:
                raise
        worker = records.load(reference)
        return Repository(self.root, worker.project, self._environ, records), worker

    def _caller(self) -> str:
        """The id of the orchestrator that calls."""
        home = home_of_session(self.root, self._session_id)
        is_here = home is not None and repository_of(home) == self.records.repository
        return os.path.basename(home) if home and is_here else orchestrators.TERMINAL

    def _fleet(self, owner: str) -> Fleet:
        if owner not in self._fleets:
            from worker_manager.crew.fleet import open_fleet

            home = orchestrator_home(self.records.repository, owner)
            self._fleets[owner] = open_fleet(
                root=self.root,
                home=lambda: home,
                project=self.directory,
                settings=self.settings,
                runtime=self.runtime,
            )
        return self._fleets[owner]


def _anywhere(root: str, worker_id: str) -> Records | None:
    """The records that have a worker of this id."""
    entries = os.scandir(root) if is_worker_id(worker_id) and os.path.isdir(root) else ()
    found = [Records(entry.path) for entry in entries]
    return next((one for one in found if os.path.isdir(one.home(worker_id))), None)


def _listed(workers: list[Worker]) -> str:
    shown = ", ".join(f"{one.id} ({one.name})" for one in workers[:5])
    return shown + (f" or {len(workers) - 5} more" if len(workers) > 5 else "")
