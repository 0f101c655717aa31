"""Checks that the settings files can be read, and that every key and value is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from worker_manager import config
from worker_manager.agents import agent_named
from worker_manager.config import Settings
from worker_manager.crew.lifecycle import choice
from worker_manager.doctor.findings import Finding, Place, failed, ok
from worker_manager.errors import InvalidSetting, WorkerManagerError


def settings(place: Place) -> list[Finding]:
    """Checks the settings that are in force: the project's, the user's and the environment's
    together.
    """
    about = "settings"
    try:
        found = config.load(Path(place.directory), place.environ)
    except InvalidSetting as error:
        repair = "correct it there; docs/reference/settings.md has all keys"
        return [failed(about, str(error), repair)]
    wrong = [*_refused(found, place), *_unsound(found)]
    return wrong or [ok(about, "every key and value is known.")]


def _refused(found: Settings, place: Place) -> Iterator[Finding]:
    """Checks the permission mode of the default agent."""
    try:
        program, agent = choice.find(found, found.agent)
    except WorkerManagerError:
        return  # `_unsound` says so
    mode = agent.permission_mode or found.permission_mode
    refused = agent_named(program).refused_mode(mode, place.environ)
    if refused:
        why, repair = refused
        yield failed("settings", f"permission_mode is {mode}, which {why}.", repair)


def _unsound(found: Settings) -> Iterator[Finding]:
    """Checks whether each named agent could be started, as far as the settings go."""
    for name in dict.fromkeys((found.agent, *found.agents)):
        try:
            choice.choose(found, name)
        except WorkerManagerError as error:
            yield failed("settings", str(error), "worker-manager agents shows all of them")
