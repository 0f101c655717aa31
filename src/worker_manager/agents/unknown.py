"""An agent of which nothing is known, as one that stands in a record which another version wrote:
every answer that an agent may lack.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from worker_manager.agents.base import (
    Assignment,
    Attended,
    Entry,
    LaunchSpec,
    Meter,
    Packaging,
    StartDialog,
    Usage,
)
from worker_manager.domain.screen import Screen
from worker_manager.domain.session import Activity
from worker_manager.errors import AgentNotInstalled

permission_modes: tuple[str, ...] = ()
session_variables: tuple[str, ...] = ()
honoured_keys: frozenset[str] = frozenset()
packaging = Packaging()
attended: Attended | None = None


def is_logged_in(_environ: Mapping[str, str]) -> bool | None:
    """Nobody knows."""
    return None


def launch_spec(_: Assignment) -> LaunchSpec:
    """It can't be started. Raises AgentNotInstalled."""
    raise AgentNotInstalled(
        "This version of worker-manager does not know the worker's agent. Upgrade it, or start "
        "another worker."
    )


def first_prompt(file: str) -> str:
    """In words that any agent understands."""
    return f"Your task is in the file {file}. Read all of it, then do it."


def refused_mode(_mode: str, _environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Nobody knows."""
    return None


def start_dialog(_screen: str) -> StartDialog | None:
    """None that is known."""
    return None


def draft(_screen: Screen) -> str | None:
    """No prompt that is known: nothing is typed."""
    return None


def activity(_pid: int) -> Activity | None:
    """It doesn't say."""
    return None


def processes() -> list[tuple[int, str]]:
    """It doesn't say."""
    return []


def send(_activity: Activity, _text: str) -> bool:
    """It takes none."""
    return False


def limit_end(_text: str, _now: datetime) -> datetime | None:
    """It doesn't say."""
    return None


def has_conversation(_transcript: str) -> bool:
    """None that is known."""
    return False


def receipts(
    _transcript: str, _offset: int, _ids: Collection[str]
) -> tuple[set[str], set[str], bool]:
    """None that could be read."""
    return set(), set(), False


def entries(_transcript: str, _offset: int) -> Iterator[Entry]:
    """None that could be read."""
    return iter(())


def latest(_transcript: str) -> str:
    """Nothing that could be read."""
    return ""


def last_part(_transcript: str, _size: int) -> int:
    """Its beginning."""
    return 0


def is_entry_start(_transcript: str, _offset: int) -> bool:
    """Nothing will be read."""
    return True


def bytes_written(_transcript: str) -> int:
    """Nothing that counts."""
    return 0


def meter(_price_list: str) -> Meter:
    """One that knows nothing."""
    return _Nothing()


class _Nothing:
    def usage(self, _path: str) -> Usage | None:
        return None
