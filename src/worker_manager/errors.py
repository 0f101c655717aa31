"""The error family, and what its texts are made of. Each says what is wrong, with the value, and
what to do next: as a `NextStep`, for a model calls a tool and a person types a command.
"""


class ignoring:  # noqa: N801  used as the function that it stands for
    """contextlib.suppress, whose module takes a hook 3 ms to load."""

    def __init__(self, *errors: type[BaseException]) -> None:
        self._errors = errors

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self._errors)


class NextStep:
    """What may be done: an action with its arguments, or without an action an option of what was
    just tried. `text.rendering` and `text.commands` know the words; `str()` is in plain words.
    """

    def __init__(self, action: str, arguments: dict[str, object]) -> None:
        self.action = action
        self.arguments = arguments

    def __str__(self) -> str:
        return self.action or ", ".join(map(_setting, self.arguments, self.arguments.values()))


def _setting(name: str, value: object) -> str:
    if value is None:
        return name
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def step(action: str, **arguments: object) -> NextStep:
    """An action of `TOOL_OF` in `text.rendering`. An argument is a text, True, a list of texts, or
    `...` for what the reader has to say; of `decision` a list holds the choices.
    """
    return NextStep(action, arguments)


def option(name: str, value: object = None) -> NextStep:
    """An argument of the tool or command that was just called; None: only its name."""
    return NextStep("", {name: value})


class Text(str):
    """A text with next steps in it, which `parts` keeps. A str for all who only print it; whatever
    makes another str of it makes the steps plain words.
    """

    __slots__ = ("parts",)
    parts: tuple[str | NextStep, ...]

    def __new__(cls, *parts: str | NextStep) -> "Text":
        """Texts among the parts keep their steps."""
        text = super().__new__(cls, "".join(map(str, parts)))
        text.parts = tuple(
            inner for one in parts for inner in (one.parts if isinstance(one, Text) else (one,))
        )
        return text


class WorkerManagerError(Exception):
    """Something anticipated went wrong. `text` may be shown, with its next steps in the reader's
    words. `shown` is what a program or a worker's files say of it: data, to be fenced.
    """

    def __init__(self, text: str, shown: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.shown = shown


def text_of(error: Exception) -> str:
    """Of one of ours its text, with its next steps."""
    return error.text if isinstance(error, WorkerManagerError) else str(error)


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
            Text(f"This session has no worker {worker_id!r}. ", step("list"), " has the ids.")
        )


class WorkerFinished(WorkerManagerError):
    """The worker can't take messages any more."""

    def __init__(self, worker_id: str, status: str, reason: str) -> None:
        because = f" ({reason})" if reason else ""
        ended = f"Worker {worker_id} is {status}{because} and reads no more messages. "
        super().__init__(Text(ended, step("restore"), " goes on with its conversation."))


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
