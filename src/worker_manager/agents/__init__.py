"""Which program works on a task: a table of names, and a module for each that answers all
questions of `base.Agent`. Nothing is loaded before it is asked for: hooks come through here.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from worker_manager.agents.base import Agent

_MODULES = {
    "claude": "worker_manager.agents.claude.launch",
    "scripted": "worker_manager.agents.scripted",
}


def agent_named(name: str) -> "Agent":
    """The agent of that name; raises InvalidInput."""
    from importlib import import_module

    if name not in _MODULES:
        from worker_manager.errors import InvalidInput

        known = ", ".join(sorted(_MODULES))
        raise InvalidInput(f"There is no agent {name!r}. Choose one of: {known}.")
    agent: Agent = import_module(_MODULES[name])
    return agent
