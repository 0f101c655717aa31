"""Checks that the settings files can be read, and that every key and value is known."""

from __future__ import annotations

from pathlib import Path

from worker_manager import config
from worker_manager.agents import KNOWN, agent_named
from worker_manager.doctor.findings import Finding, Place, failed, ok
from worker_manager.errors import InvalidSetting


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
    if found.agent in KNOWN:
        refused = agent_named(found.agent).refused_mode(found.permission_mode, place.environ)
        if refused:
            why, repair = refused
            says = f"permission_mode is {found.permission_mode}, which {why}."
            return [failed(about, says, repair)]
    return [ok(about, "every key and value is known.")]
