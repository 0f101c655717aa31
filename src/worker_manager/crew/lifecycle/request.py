"""What a start is asked for, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from worker_manager.domain import identifiers
from worker_manager.domain.worker import Worker
from worker_manager.worktrees import bases
from worker_manager.worktrees.evidence import CheckoutStatus


class StartRequest(NamedTuple):
    """What start_worker was asked for; None means the setting."""

    title: str
    task: str
    use_worktree: bool = True
    base_branch: str | None = None
    agent: str | None = None
    model: str | None = None
    permission_mode: str | None = None
    budget_tokens: int | None = None
    checks: Sequence[str] = ()
    allowed_paths: Sequence[str] = ()
    #: With the same key of the caller's, the same start is the same worker.
    key: str = ""

    @property
    def digest(self) -> str:
        """What tells two requests apart, but for the key. Arguments with their defaults don't
        count: versions that have more of them say the same.
        """
        defaults = self._field_defaults
        asked = {
            name: value if isinstance(value, str | int | None) else list(value)
            for name, value in self._asdict().items()
            if name != "key" and (name not in defaults or value not in (defaults[name], []))
        }
        return identifiers.digest(repr(sorted(asked.items())).encode())


class Place(NamedTuple):
    """Where a worktree is to be made, and from which commit. `uncommitted` counts the files of the
    checkout whose changes it won't have.
    """

    checkout: bases.Checkout
    base: bases.Base
    uncommitted: int = 0

    def seen(self, standing: CheckoutStatus) -> Place:
        """With what is known once it was looked how the checkout stands."""
        base = bases.with_upstream(self.base, standing)
        return self._replace(base=base, uncommitted=len(standing.changes))


class Started(NamedTuple):
    """A worker that was launched or queued, and its place; None: the project itself, or one that
    a key has found. `notes` tell what that place has beyond its commit, and what it lacks.
    """

    worker: Worker
    place: Place | None
    notes: Sequence[str] = ()


class Begun(NamedTuple):
    """A start for which there is room: what waits for its terminal and gives its process, what
    waits until its record is on the disk.
    """

    opened: Callable[[], str]
    wait_for_disk: Callable[[], None]
