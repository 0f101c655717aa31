"""Which program works on a task: a table of names, and a module for each that answers all
questions of `base.Agent`. Nothing is loaded before it is asked for: hooks come through here.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    # mypy sees here that each answers every question.
    from worker_manager.agents import scripted, unknown
    from worker_manager.agents.base import Agent
    from worker_manager.agents.claude import agent as claude
    from worker_manager.agents.codex import agent as codex

    _ALL: tuple[Agent, ...] = (claude, codex, scripted, unknown)

#: The agent that an orchestrator is: worker-manager is a plugin of Claude Code.
HOST = "claude"
_MODULES = {
    "claude": "worker_manager.agents.claude.agent",
    "codex": "worker_manager.agents.codex.agent",
    "scripted": "worker_manager.agents.scripted",
}

#: The names that there are.
KNOWN = tuple(sorted(_MODULES))
#: Whose work sends code to nobody but the vendor of the host that one has chosen, or to nobody.
_OURS = (HOST, "scripted")


def needs_leave(name: str) -> bool:
    """Whether the person must allow a program: another vendor sees the code that it works on."""
    return name in _MODULES and name not in _OURS


def agent_named(name: str) -> "Agent":
    """The agent of that name; raises InvalidInput."""
    from importlib import import_module

    if name not in _MODULES:
        from worker_manager.errors import InvalidInput

        raise InvalidInput(f"There is no agent {name!r}. Choose one of: {', '.join(KNOWN)}.")
    agent: Agent = import_module(_MODULES[name])
    return agent


def account_of(name: str) -> str:
    """Whose usage limit counts for an agent: its own, or empty for our host's."""
    return "" if name in (HOST, "scripted") else name


def agent_in_record(name: str) -> "Agent":
    """The agent of a worker that is there: one which only another version knows has no answers."""
    if name in _MODULES:
        return agent_named(name)
    from worker_manager.agents import unknown

    return unknown
