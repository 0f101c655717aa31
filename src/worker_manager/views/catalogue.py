"""The agents that can be named here, and how their programs stand on this machine."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from worker_manager import __version__
from worker_manager.agents import KNOWN, agent_named
from worker_manager.config import Settings
from worker_manager.crew.lifecycle import choice
from worker_manager.domain import named_agent
from worker_manager.errors import WorkerManagerError
from worker_manager.processes import probes


class ListedAgent(NamedTuple):
    """One agent. `version` is that of its program, empty when that is not on the PATH or does not
    say; `install` is what installs it. `is_logged_in` is None when that isn't known or needed,
    `is_allowed` whether its program may see the code here. `problem`: why it can't be started, as
    far as its settings go.
    """

    name: str
    program: str
    is_installed: bool
    version: str
    install: str
    is_logged_in: bool | None
    is_allowed: bool
    is_default: bool
    read_only: bool
    consult: bool
    model: str
    about: str
    problem: str


class _Standing(NamedTuple):
    """How a program stands here."""

    is_installed: bool
    version: str
    install: str
    is_logged_in: bool | None


def agents(settings: Settings, repository: str) -> list[ListedAgent]:
    """All of them, by name. `repository` is its directory in the state directory. Asks each program
    for its version and login, all at the same time; nothing is sent to a model.
    """
    with ThreadPoolExecutor() as pool:
        standings = dict(zip(KNOWN, pool.map(_standing, KNOWN), strict=True))
    return [_entry(settings, repository, name, standings) for name in choice.names(settings)]


def _entry(
    settings: Settings, repository: str, name: str, standings: dict[str, _Standing]
) -> ListedAgent:
    program, problem = "", ""
    agent = named_agent.NamedAgent()
    try:
        program, agent = choice.find(settings, name)
        choice.choose(settings, name)
    except WorkerManagerError as error:
        problem = str(error)
    is_installed, version, install, is_logged_in = standings.get(
        program, _Standing(False, "", "", None)
    )
    return ListedAgent(
        name=name,
        program=program,
        is_installed=is_installed,
        version=version,
        install=install,
        is_logged_in=is_logged_in,
        is_allowed=bool(program) and choice.is_allowed(settings, repository, program),
        is_default=name == settings.agent,
        read_only=agent.read_only,
        consult=agent.consult,
        model=agent.model,
        about=agent.about,
        problem=problem,
    )


def _standing(name: str) -> _Standing:
    agent = agent_named(name)
    program, install = agent.packaging
    if not program:
        return _Standing(True, __version__, install, None)
    if shutil.which(program) is None:
        return _Standing(False, "", install, None)
    version = probes.version_in(probes.ask([program, "--version"]).text)
    return _Standing(True, version, install, agent.is_logged_in(os.environ))
