"""The settings files: whether they can be read, and every key and value is known."""

from __future__ import annotations

from pathlib import Path

from worker_manager import config
from worker_manager.agents.claude import launch
from worker_manager.doctor.findings import Finding, Place, failed, ok
from worker_manager.errors import InvalidSetting


def settings(place: Place) -> list[Finding]:
    """Of this directory, of the user, of the environment: in force together."""
    about = "settings"
    try:
        found = config.load(Path(place.directory), place.environ)
    except InvalidSetting as error:
        repair = "correct it there; docs/reference/settings.md has all keys"
        return [failed(about, str(error), repair)]
    if found.agent == "claude" and launch.is_refused(found.permission_mode, place.environ):
        says = f"permission_mode is {found.permission_mode}, which Claude Code refuses as root."
        repair = 'permission_mode = "acceptEdits"; or IS_SANDBOX=1 where this is a sandbox'
        return [failed(about, says, repair)]
    return [ok(about, "every key and value is known.")]
