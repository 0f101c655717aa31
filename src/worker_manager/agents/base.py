"""What every agent answers."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from worker_manager.domain.screen import Screen
from worker_manager.domain.session import Activity


class Equipment(NamedTuple):
    """What a named agent gives its workers, beside model and permission mode: `role` goes into the
    system prompt, `tools` are the only ones that it has of the program's own, `skills` are loaded
    first, `directories` may be read, too; a `read_only` worker changes no file.
    """

    role: str = ""
    read_only: bool = False
    tools: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()


class Packaging(NamedTuple):
    """How a program comes to this machine: its name on the PATH, and what installs it. Both are
    empty of one that is part of worker-manager.
    """

    program: str = ""
    install: str = ""


class Assignment(NamedTuple):
    """What an agent is to be started for. Paths are absolute."""

    worker_id: str
    name: str
    title: str
    home: str
    path: str
    branch: str
    session_id: str
    mark: str
    plugin_root: str
    permission_mode: str
    model: str
    is_restored: bool = False  #: its conversation goes on
    equipment: Equipment = Equipment()
    transcript: str = ""  #: of its session before, as far as that is known
    git_directories: tuple[str, ...] = ()  #: in which a commit in its worktree writes
    #: whether a worker may have changed what lies at this place in `path`
    is_altered: Callable[[str], bool] = lambda _: False


class LaunchSpec(NamedTuple):
    """How to start it: the command without the prompt (which is added behind `--`), the files it
    wants in the worker's home, by name, and variables of its own.
    """

    argv: list[str]
    files: Mapping[str, str]
    environment: Mapping[str, str] = MappingProxyType({})


class StartDialog(NamedTuple):
    """A dialog with which an agent may greet a worker. `signs` are texts of which its screen shows
    one, `way_out` is what its user can do about it.
    """

    name: str
    signs: tuple[str, ...]
    way_out: str


class Entry(NamedTuple):
    """What one line of a transcript says, in no, one or several short texts; `at` is an ISO time,
    `end` the offset behind it.
    """

    at: str
    texts: tuple[str, ...]
    end: int


class Usage(NamedTuple):
    """Tokens that the model read (cached ones too) and wrote so far; of these, those that were
    not read from its cache; those of its last request, about what its next one will hold. The
    cost in US dollars; None when a model has no price.
    """

    read: int
    written: int
    fresh: int
    context: int
    cost: float | None


class Turn(NamedTuple):
    """The last turn of a session: `at` is when it began, or ended once it `is_over`, in seconds
    since the epoch. `error` is why it ended early: `rate_limit`, or the agent's own word; `said`
    is the text of the error, else what the model said last.
    """

    id: str
    is_over: bool
    at: float
    error: str = ""
    said: str = ""
    was_interrupted: bool = False  #: somebody at its terminal did


class Attended(Protocol):
    """Of an agent in whose sessions no hooks of ours run: what their servers ask, which do then
    what hooks do.
    """

    @property
    def call_seconds(self) -> float:
        """How long a call of our tools may last."""

    @property
    def ask_waits(self) -> bool:
        """Whether `ask` may wait for its answer; else it comes as a message."""

    def find_transcript(self, home: str, began: float, /) -> str:
        """That of the session whose first prompt names a file in a worker's home, written to since
        `began` (in seconds since the epoch); empty when there is none yet.
        """

    def turn(self, transcript: str, /) -> Turn | None:
        """Its last turn; None when that isn't known."""

    def activity(self, transcript: str, /) -> Activity | None:
        """What it does at this moment; None when that isn't known."""

    def queue_prompt(self, transcript: str, text: str, /) -> str:
        """Has it take a text as its next prompt, also when it is dead and resumed later. Returns
        why not; empty when that went well. The text may stand on a command line.
        """

    def dialog(self, screen: str, /) -> str:
        """What a dialog asks that stands on its screen; empty when none does."""


class Meter(Protocol):
    """Reads transcripts, each time only what is new in them."""

    def usage(self, path: str, /) -> Usage | None:
        """What a session has used of its model; None when nobody knows."""


class Agent(Protocol):
    """A module of this package: everything that the program asks an agent CLI. Where an agent has
    no answer, it says so: None, False, or empty.
    """

    @property
    def attended(self) -> Attended | None:
        """What its server asks of a session without our hooks; None where they run."""

    @property
    def permission_modes(self) -> tuple[str, ...]:
        """Those that it can be started with; empty where it has none."""

    @property
    def honoured_keys(self) -> frozenset[str]:
        """Keys of a named agent that mean something to it, of `named_agent.OF_PROGRAM`."""

    @property
    def packaging(self) -> Packaging:
        """Where it comes from."""

    def is_logged_in(self, environ: Mapping[str, str], /) -> bool | None:
        """Whether there is a login that it would use; None when that isn't known. Sends nothing to
        its model; takes seconds at most.
        """

    def launch_spec(self, assignment: Assignment, /) -> LaunchSpec:
        """How to start it. Raises AgentNotInstalled with the next step."""

    @property
    def session_variables(self) -> tuple[str, ...]:
        """Those of the environment that a session of it has of its own, and must not pass on."""

    def first_prompt(self, file: str, /) -> str:
        """What tells it the task that lies in a file. The task itself stands on no command line,
        which every user of the machine can read.
        """

    def refused_mode(self, mode: str, environ: Mapping[str, str], /) -> tuple[str, str] | None:
        """Why it does not start in a permission mode in this environment, behind "which", and what
        to set instead; None when it does.
        """

    def start_dialog(self, screen: str, /) -> StartDialog | None:
        """The dialog on a screen that it stops at before its session begins."""

    def draft(self, screen: Screen, /) -> str | None:
        """What stands in its prompt: empty only when one may type there, None when its screen
        shows no prompt.
        """

    def activity(self, pid: int, /) -> Activity | None:
        """What the session of one of its processes does at this moment."""

    def processes(self) -> list[tuple[int, str]]:
        """Those of this user that it knows of, and the directory of each. Some may have ended."""

    def send(self, activity: Activity, text: str, /) -> bool:
        """Whether a session, whose activity this is, took a text as a message."""

    def limit_end(self, text: str, now: datetime, /) -> datetime | None:
        """When a usage limit is over, by what the agent says of it. `now` has a time zone."""

    def has_conversation(self, transcript: str, /) -> bool:
        """Whether there is something to go on with, in the transcript of a session that ended."""

    def receipts(
        self, transcript: str, offset: int, ids: Collection[str], /
    ) -> tuple[set[str], set[str], bool]:
        """Which of these message ids the model has got, from an offset on, and which are only
        queued; whether the model has said something since. Raises OSError.
        """

    def entries(self, transcript: str, offset: int, /) -> Iterator[Entry]:
        """What was said and called, from an offset on, read as it is asked for. Raises OSError."""

    def latest(self, transcript: str, /) -> str:
        """What was said or called last; empty when there is nothing to tell."""

    def last_part(self, transcript: str, size: int, /) -> int:
        """The offset of the first entry within about the last `size` bytes. Raises OSError."""

    def is_entry_start(self, transcript: str, offset: int, /) -> bool:
        """Whether an entry begins, or will begin, at this offset. Raises OSError."""

    def bytes_written(self, transcript: str, /) -> int:
        """How much a session has written: as long as this is the same, its usage is, too."""

    def meter(self, price_list: str, /) -> Meter:
        """Counts what sessions use, with the agent's own prices where the path of a price list is
        empty. Raises InvalidSetting.
        """
