"""Settings: worker-manager.toml of the repository, then the user's, then the environment."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from worker_manager.errors import InvalidSetting

#: Variables of ours that are no settings.
_RESERVED = {"STATE_DIR", "WORKER_ID", "PYTHON", "LOG"}


@dataclass(frozen=True)
class Settings:
    """Field `worktree_directory` is the key `worktree.directory` and the variable
    WORKER_MANAGER_WORKTREE_DIRECTORY, and so on.
    """

    agent: str = "claude"
    model: str = ""
    permission_mode: str = "bypassPermissions"
    on_exit: str = "stop"
    max_workers: int = 0
    budget_tokens: int = 0
    session_budget_tokens: int = 0
    prices: str = ""
    ask_wait_seconds: int = 3600
    idle_seconds: int = 60
    stop_grace_seconds: int = 60
    close_after_seconds: int = 3600
    permission_wait_seconds: int = 3600
    worktree_directory: str = ".worktrees"
    tmux_socket: str = "worker-manager"


_TYPES = {field.name: type(field.default) for field in fields(Settings)}
_TABLES = ("worktree", "tmux")
_CHOICES = {"on_exit": ("stop", "keep")}
#: Claude Code ends the hook that waits a minute after this (hooks.json).
_MOST: dict[str, int] = {"permission_wait_seconds": 86_400}


def load(repository: Path, environ: Mapping[str, str]) -> Settings:
    """The settings in force; raises InvalidSetting naming place, key and the nearest valid one."""
    home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    settings = Settings()
    for path in (
        repository / "worker-manager.toml",
        Path(home) / "worker-manager" / "config.toml",
    ):
        settings = _apply(settings, _read(path), str(path))
    return _apply(settings, _from_environment(environ), "the environment")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"{path} can't be read: {error}.") from error
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if key in _TABLES and isinstance(value, dict):
            flat.update({f"{key}_{name}": entry for name, entry in value.items()})
        else:
            flat[key] = value
    return flat


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        name = variable.removeprefix("WORKER_MANAGER_")
        if name == variable or name in _RESERVED:
            continue
        key = name.lower()
        number = _TYPES.get(key) is int and text.isdigit()
        values[key] = int(text) if number else text
    return values


def _apply(settings: Settings, values: Mapping[str, Any], place: str) -> Settings:
    for key, value in values.items():
        if key not in _TYPES:
            near = difflib.get_close_matches(key, _TYPES, n=1, cutoff=0.0)[0]
            raise InvalidSetting(f"{place}: unknown setting {key!r}. The nearest is {near!r}.")
        if type(value) is not _TYPES[key]:
            wanted = "a whole number" if _TYPES[key] is int else "a text"
            raise InvalidSetting(f"{place}: {key} is {value!r}; it must be {wanted}.")
        if value not in _CHOICES.get(key, (value,)):
            raise InvalidSetting(
                f"{place}: {key} is {value!r}; choose one of {', '.join(_CHOICES[key])}."
            )
        if isinstance(value, int) and value > _MOST.get(key, value):
            raise InvalidSetting(f"{place}: {key} is {value}; it may be {_MOST[key]} at most.")
    return replace(settings, **values)
