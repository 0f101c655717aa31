"""Which agent a start means: its program, and what its name gives it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from worker_manager import config
from worker_manager.agents import HOST, KNOWN, agent_named, needs_leave
from worker_manager.agents.base import Equipment
from worker_manager.config import Settings
from worker_manager.domain import named_agent
from worker_manager.domain.named_agent import NamedAgent, RoleFile
from worker_manager.errors import InvalidInput, InvalidSetting, StateCorrupt
from worker_manager.state import allowed_programs
from worker_manager.state.files import read_regular

#: Of a role, in characters: it is part of each request.
ROLE_LIMIT = 50_000


class Choice(NamedTuple):
    """A named agent, the program that is to run, and what it is given."""

    name: str
    program: str
    agent: NamedAgent
    equipment: Equipment


def names(settings: Settings) -> list[str]:
    """All agents that can be named: each program is one of its own name."""
    return sorted({*KNOWN, *settings.agents})


def choose(settings: Settings, name: str) -> Choice:
    """The agent of that name, with its role read. Raises InvalidInput or InvalidSetting: there is
    none, it is not sound, or its program can't honour what it says.
    """
    program, agent = find(settings, name)
    able = agent_named(program).honoured_keys
    unable = [key for key in named_agent.OF_PROGRAM if getattr(agent, key) and key not in able]
    if unable:
        can = ", ".join(key for key in named_agent.OF_PROGRAM if key in able) or "none of them"
        raise InvalidInput(
            f"Agent {name} says {', '.join(unable)}, which {program} can't honour. Of what hangs "
            f"on the program it can: {can}. Correct [agents.{name}]."
        )
    role = _read(name, agent.role) if isinstance(agent.role, RoleFile) else agent.role
    if len(role) > ROLE_LIMIT:
        raise InvalidInput(
            f"The role of agent {name} has {len(role):,} characters, at most {ROLE_LIMIT:,} are "
            "allowed. Put the material into a file and name the file in the role."
        )
    return Choice(name, program, agent, _equipment(name, agent, role.strip()))


def find(settings: Settings, name: str) -> tuple[str, NamedAgent]:
    """The program of the agent of that name, and all that it says. Raises as `choose`."""
    known = names(settings)
    if name not in known:
        near = difflib.get_close_matches(name[:100], known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InvalidInput(
            f"There is no agent {name[:100]!r}.{hint} Choose one of: {', '.join(known)}."
        )
    chain = named_agent.chain(settings.agents, name)
    if chain[-1] not in known:
        raise InvalidSetting(
            f"[agents.{chain[-2]}] is like {chain[-1]!r}, which is no agent. The nearest is "
            f"{named_agent.nearest(chain[-1], known)!r}."
        )
    agent = named_agent.inherited(settings.agents, name)
    program = _program(settings.agents, chain) or default_program(settings)
    if name in KNOWN and program != name:
        raise InvalidSetting(
            f"[agents.{name}] is the program {name} itself and can't run {program}. Take `agent` "
            "out of it, or give it another name."
        )
    return program, agent


def consulted(settings: Settings) -> list[str]:
    """The agents that workers may ask for an opinion."""
    found = []
    for name in names(settings):
        with suppress(InvalidInput, InvalidSetting):
            if find(settings, name)[1].consult:
                found.append(name)
    return found


def opinions_told(settings: Settings) -> str:
    """What a worker reads of those whom it may ask, behind its task; empty when there are none."""
    asked = [(name, find(settings, name)[1].about) for name in consulted(settings)]
    if not asked:
        return ""
    listed = "\n".join(f"- {name}{f': {about}' if about else ''}" for name, about in asked)
    return f"\nWhere a second opinion helps, `ask` with `of` gives that of:\n{listed}\n"


def default_program(settings: Settings) -> str:
    """The program of those that name none."""
    if settings.agent in KNOWN:
        return settings.agent
    return _program(settings.agents, named_agent.chain(settings.agents, settings.agent)) or HOST


def require_leave(settings: Settings, repository: str, program: str) -> None:
    """Raises InvalidInput when a program of another vendor was not allowed by the person.
    `repository` is its directory in the state directory.
    """
    if not is_allowed(settings, repository, program):
        raise InvalidInput(
            f"{program} is another vendor's program, which would see the code of this repository, "
            "and you have not allowed it. In a terminal of your own, worker-manager agents "
            f'--enable {program} allows it here; allowed_programs = ["{program}"] in '
            f"{config.own_file(os.environ)} allows it everywhere."
        )


def is_allowed(settings: Settings, repository: str, program: str) -> bool:
    """Whether a program may see the code of a repository."""
    if not needs_leave(program) or program in settings.allowed_programs:
        return True
    return program in allowed_programs.are_here(repository)


def _program(tables: named_agent.Tables, chain: list[str]) -> str:
    """The program that an agent, or one that it is like, says or is; empty when none does."""
    for one in chain:
        table: Mapping[str, str] = tables.get(one, {})
        said = table.get("agent", "")
        if said and said not in KNOWN:
            like = f' Another agent is named by like = "{said}".' if said in tables else ""
            raise InvalidSetting(
                f"[agents.{one}]: agent is {said!r}, which is no program. Choose one of: "
                f"{', '.join(KNOWN)}.{like}"
            )
        if said or one in KNOWN:
            return said or one
    return ""


def _equipment(name: str, agent: NamedAgent, role: str) -> Equipment:
    gone = [path for path in agent.directories if not os.path.isdir(path)]
    if gone:
        raise InvalidInput(
            f"The directory {gone[0]} of agent {name} is not there. Correct [agents.{name}], or "
            "make it."
        )
    directories = tuple(map(os.path.realpath, agent.directories))
    return Equipment(role, agent.read_only, agent.tools, agent.skills, directories)


def _read(name: str, role: RoleFile) -> str:
    """The role in a file. Committed settings must not lead out of their repository: what is read
    here is sent to a model. In the person's own a link may, to where they keep such files.
    """
    place = os.path.join(role.directory, role.name)
    try:
        directory, path = Path(role.directory).resolve(), Path(place).resolve()
        leads_out = not path.is_relative_to(directory)
        text = "" if leads_out and not role.is_own else read_regular(str(path)).decode("utf-8-sig")
    except (OSError, ValueError, RuntimeError, StateCorrupt) as error:  # Runtime: links in a circle
        raise InvalidSetting(
            f"[agents.{name}]: the role {place} can't be read: {error}. A role that ends with "
            f"{' or '.join(named_agent.ROLE_ENDINGS)} names a file."
        ) from error
    if leads_out and not role.is_own:
        raise InvalidSetting(
            f"[agents.{name}]: role is {role.name!r}, which leads out of {directory}. Put the file "
            "in there."
        )
    return text
