"""The error family. Each text is written for its reader, a model or a person:
what is wrong, with the value, and what to do next.
"""


class ignoring:  # noqa: N801  used as the function that it stands for
    """contextlib.suppress, whose module takes a hook 3 ms to load."""

    def __init__(self, *errors: type[BaseException]) -> None:
        self._errors = errors

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self._errors)


class WorkerManagerError(Exception):
    """Something anticipated went wrong; the text may be shown as it is. `shown` is what a program
    or a worker's files say of it: data, to be fenced.
    """

    def __init__(self, text: str, shown: str = "") -> None:
        super().__init__(text)
        self.shown = shown


class InvalidInput(WorkerManagerError):
    """A value given by the caller can't be used."""


class InvalidSetting(WorkerManagerError):
    """A settings file or variable has an unknown key or a wrong value."""


class NotARepository(WorkerManagerError):
    """A worktree was asked for where git has none to give."""


class WorktreeRefused(WorkerManagerError):
    """git would not make, describe or remove a worktree."""


class WorktreeGone(WorktreeRefused):
    """Where a worker's worktree was lies nothing, or something else."""


class ChecksFailed(WorkerManagerError):
    """A worker's work does not pass the checks that it was given."""


class NothingCommitted(WorkerManagerError):
    """A worker would complete with changes of which no commit holds anything."""


class WorkerNotFound(WorkerManagerError):
    """No worker of this session has that id."""

    def __init__(self, worker_id: str) -> None:
        super().__init__(
            f"This session has no worker {worker_id!r}. Call list_workers for the ids."
        )


class WorkerFinished(WorkerManagerError):
    """The worker can't take messages any more."""

    def __init__(self, worker_id: str, status: str, reason: str) -> None:
        because = f" ({reason})" if reason else ""
        super().__init__(
            f"Worker {worker_id} is {status}{because} and reads no more messages. "
            "restore_worker goes on with its conversation."
        )


class MergeRefused(WorkerManagerError):
    """A worker's branch can't be merged as asked; branches and files are as they were."""


class BudgetSpent(WorkerManagerError):
    """What the workers of a session may use is used up."""


class RuntimeUnavailable(WorkerManagerError):
    """The runtime is missing or didn't answer: the truth is unknown."""


class AgentNotInstalled(WorkerManagerError):
    """The program of an agent isn't there, or refuses to run here."""


class StateUnavailable(WorkerManagerError):
    """The state directory can't be read or written."""


class StateBusy(StateUnavailable):
    """Another process held a lock for too long."""


class StateCorrupt(StateUnavailable):
    """A file in the state directory can't be parsed."""


class SessionUnknown(WorkerManagerError):
    """The Claude session can't be told from its environment."""
