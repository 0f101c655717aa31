"""Which program works on a task: a table of names, and one module for each.

A new agent is a module with `launch_spec` (see `base.Agent`) and a line in the table.
"""

from importlib import import_module
from typing import cast

from worker_manager.agents.base import Agent
from worker_manager.errors import InvalidInput

_MODULES = {
    "claude": "worker_manager.agents.claude.launch",
    "scripted": "worker_manager.agents.scripted",
}


def agent_named(name: str) -> Agent:
    """The agent of that name; raises InvalidInput."""
    if name not in _MODULES:
        known = ", ".join(sorted(_MODULES))
        raise InvalidInput(f"There is no agent {name!r}. Choose one of: {known}.")
    return cast(Agent, import_module(_MODULES[name]))
