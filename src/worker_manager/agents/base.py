"""What every agent answers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from worker_manager.domain.worker import Screen


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


class LaunchSpec(NamedTuple):
    """How to start it: the command without the prompt (which is added behind `--`), the files it
    wants in the worker's home, by name, and variables of its own.
    """

    argv: list[str]
    files: Mapping[str, str]
    environment: Mapping[str, str] = MappingProxyType({})


class Agent(Protocol):
    """A module of this package."""

    def launch_spec(self, assignment: Assignment) -> LaunchSpec:
        """How to start it. Raises AgentNotInstalled with the next step."""

    def has_conversation(self, transcript: str) -> bool:
        """Whether there is something to go on with, in the transcript of a session that ended."""

    def draft(self, screen: Screen) -> str | None:
        """What stands in its prompt: empty only when one may type there, None when its screen
        shows no prompt.
        """
