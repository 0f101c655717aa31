"""The repository of the directory that one stands in, and the workers that are meant."""

from __future__ import annotations

import os

from worker_manager.errors import InvalidInput
from worker_manager.state.layout import state_root

TYPE_CHECKING = False  # `typing` takes 6 ms
if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet
    from worker_manager.crew.repository import Repository
    from worker_manager.domain.worker import Worker


def repository() -> Repository:
    """That of the current directory."""
    from worker_manager.crew.repository import Repository  # 300 ms: not for a help or a completion

    return Repository(state_root(), directory(), os.environ)


def directory() -> str:
    """The top of the checkout that one stands in: settings lie there. Outside of git the current
    directory itself. Raises InvalidInput.
    """
    try:
        start = os.getcwd()
    except OSError as error:
        raise InvalidInput("The current directory is gone. cd to one that exists.") from error
    current = start
    while not os.path.exists(os.path.join(current, ".git")):
        parent = os.path.dirname(current)
        if parent == current:
            return start
        current = parent
    return current


def worker(reference: str) -> tuple[Fleet, Worker]:
    """A worker of this repository, or by its whole id one of any; and the fleet that acts in its
    owner's name. Raises InvalidInput.
    """
    ((where, found),) = located((reference,))
    return where.fleet_of(found), found


def workers(references: tuple[str, ...]) -> list[tuple[Fleet, Worker]]:
    """As `worker`, of each; all are found before anything is done to one."""
    return [(where.fleet_of(one), one) for where, one in located(references)]


def located(references: tuple[str, ...]) -> list[tuple[Repository, Worker]]:
    """As `workers`, each with the repository that it belongs to."""
    here = repository()
    return [here.locate(reference) for reference in dict.fromkeys(references)]
