"""Reads Claude Code's settings files: are hooks disabled, which permissions are allowed?"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from worker_manager.doctor.findings import Place

_OFF, _MANAGED_ONLY = "disableAllHooks", "allowManagedHooksOnly"
#: Where an administrator's settings lie.
MANAGED = Path(
    "/Library/Application Support/ClaudeCode" if sys.platform == "darwin" else "/etc/claude-code"
)


def hooks_off(place: Place) -> tuple[str, str]:
    """Returns the file that disables our hooks, and its key; both empty when none does."""
    for path in _administrators():
        if _read(path).get(_MANAGED_ONLY) is True:
            return str(path), _MANAGED_ONLY
    for path in [*_administrators(), *_persons(place)]:
        told = _read(path).get(_OFF)
        if isinstance(told, bool):  # what comes first counts
            return (str(path), _OFF) if told else ("", "")
    return "", ""


def allows(place: Place, rule: str) -> bool:
    """Returns True if one of the settings files has the permission rule."""
    for path in [*_administrators(), *_persons(place)]:
        permissions = _read(path).get("permissions")
        allowed = permissions.get("allow") if isinstance(permissions, dict) else None
        if isinstance(allowed, list) and rule in allowed:
            return True
    return False


def _administrators() -> Iterator[Path]:
    yield from sorted(MANAGED.glob("managed-settings.d/*.json"), reverse=True)
    yield MANAGED / "managed-settings.json"


def _persons(place: Place) -> Iterator[Path]:
    """Yields the settings files of this checkout, then the user's."""
    project = Path(place.directory, ".claude")
    yield from (project / "settings.local.json", project / "settings.json")
    named = place.environ.get("CLAUDE_CONFIG_DIR")
    yield (Path(named) if named else Path(os.path.expanduser("~/.claude"))) / "settings.json"


def _read(path: Path) -> dict[str, object]:
    """Returns the settings; empty when the file is missing or invalid: Claude Code ignores it,
    too.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
