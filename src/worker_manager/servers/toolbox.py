"""The tools of a server: plain functions, each declared once. From the same declarations the SDK
says how they are listed (`python -m tests.support.scripted.handshakes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict

from worker_manager.errors import WorkerManagerError
from worker_manager.servers.call import Call
from worker_manager.text.rendering import for_models


class Result(TypedDict):
    """What a tool gives. Claude Code shows the model the structured content and leaves out the
    text beside it: so the text stands in both.
    """

    text: str


#: A tool's first parameter is the call, the others are its arguments.
Function = Callable[..., Result]


class About(NamedTuple):
    """What a parameter's annotation says of it, besides its type."""

    description: str = ""
    choices: tuple[str, ...] = ()


class Tool(NamedTuple):
    """A function with what its docstring and its annotations don't say."""

    function: Function
    title: str
    is_read_only: bool | None
    is_destructive: bool | None
    is_always_loaded: bool


class ToolFailed(Exception):
    """The text is for the model."""


class Toolbox:
    """Tools by name."""

    def __init__(self) -> None:
        self.tools: dict[str, Tool] = {}

    def tool(
        self,
        title: str,
        *,
        read_only: bool | None = None,
        destructive: bool | None = None,
        always_loaded: bool = False,
    ) -> Callable[[Function], Function]:
        """Declares the function below. `always_loaded` keeps it in the model's hands from the first
        turn on, without a tool search.
        """

        def declare(function: Function) -> Function:
            name = function.__name__
            self.tools[name] = Tool(function, title, read_only, destructive, always_loaded)
            return function

        return declare

    def run(self, call: Call, name: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """The structured content of its result. Raises ToolFailed, Cancelled."""
        try:
            return {**self.tools[name].function(call, **arguments)}
        except WorkerManagerError as error:
            raise ToolFailed(for_models(error.text)) from error
        except OSError as error:
            where = error.filename or "The disk"
            raise ToolFailed(f"{where}: {error.strerror}. Repair that, then try again.") from error
