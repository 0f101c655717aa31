"""What a place for workers can do."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from typing import Protocol

from worker_manager.domain.screen import Screen


class Presence(Enum):
    """What a runtime knows of a worker's agent process."""

    ALIVE = "alive"
    GONE = "gone"
    UNKNOWN = "unknown"  #: it didn't answer; nothing may be concluded


class Runtime(Protocol):
    """Where agent processes run. A handle is the runtime's name for one of them: it says where
    it is, whatever the settings say later.
    """

    def handle_for(self, name: str) -> str:
        """The handle of a program that would be launched under this name, by now."""

    def launch(self, handle: str, argv: Sequence[str], *, cwd: str) -> int:
        """Starts a program with this process's environment; gives its pid. Raises
        RuntimeUnavailable, with the next step.
        """

    def opening(
        self, handle: str, script: str, *, cwd: str
    ) -> AbstractContextManager[Callable[[], int]]:
        """As `launch`, of a shell script that is still to be written: it begins at the end of the
        context. What this gives waits for the pid. A terminal whose script is not there by then,
        or whose context fails, or whose opener dies, goes away without it.
        """

    def probe(self, handles: Sequence[str]) -> dict[str, Presence]:
        """What is known of each, in one question for each place. Never raises."""

    def ask(self, handles: Sequence[str]) -> Callable[[], dict[str, Presence]]:
        """As `probe`, for one who has to do meanwhile: gives what waits for the answer. It must be
        called.
        """

    def is_there(self, handle: str) -> bool:
        """Whether a person can look at it; its program may have ended. Raises
        RuntimeUnavailable.
        """

    def screen(self, handle: str) -> str:
        """What its terminal shows and showed, without blank lines; empty when unknown."""

    def look(self, handle: str) -> Screen | None:
        """What its terminal shows now, for typing into it; None when that isn't known."""

    def paste(self, handle: str, line: str) -> None:
        """Puts a line where its cursor is, as pasted text: no key of it is a command. Raises
        RuntimeUnavailable.
        """

    def press(self, handle: str, key: str) -> bool:
        """Presses a key; False, and not pressed, when somebody scrolls in its terminal. Raises
        RuntimeUnavailable.
        """

    def end(self, handle: str) -> None:
        """Ends it; nothing to do when it is gone. Raises RuntimeUnavailable."""

    def attach_command(self, handle: str) -> list[str]:
        """The command with which a person looks at it."""
