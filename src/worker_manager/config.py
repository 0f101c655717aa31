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
    worktree_copy: tuple[str, ...] = ()
    worktree_setup: str = ""
    worktree_setup_seconds: int = 1800
    check_seconds: int = 1800
    guard: str = "refuse"
    tmux_socket: str = "worker-manager"
    notify_bell: bool = True
    notify_desktop: bool = True
    notify_command: str = ""
    notify_webhook: str = ""


_TYPES = {field.name: type(field.default) for field in fields(Settings)}
_TABLES = ("worktree", "tmux", "notify")
_CHOICES = {"on_exit": ("stop", "keep"), "guard": ("refuse", "tell", "off")}
_WANTED = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    tuple: "a list of texts, none of them empty",
}
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
        values[key] = _from_text(text, _TYPES.get(key, str))
    return values


def _from_text(text: str, kind: type) -> object:
    """What a variable says; a list stands in it as in PATH, with colons."""
    if kind is tuple:
        return text.split(":") if text else []
    if kind is bool:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    return int(text) if kind is int and text.isdigit() else text


def _apply(settings: Settings, values: Mapping[str, Any], place: str) -> Settings:
    checked = {key: _checked(key, value, place) for key, value in values.items()}
    return replace(settings, **checked)


def _checked(key: str, value: Any, place: str) -> Any:
    if key not in _TYPES:
        near = difflib.get_close_matches(key, _TYPES, n=1, cutoff=0.0)[0]
        raise InvalidSetting(f"{place}: unknown setting {key!r}. The nearest is {near!r}.")
    if _TYPES[key] is tuple and isinstance(value, list) and all(map(_is_filled, value)):
        return tuple(value)
    if type(value) is not _TYPES[key]:
        wanted = _WANTED[_TYPES[key]]
        raise InvalidSetting(f"{place}: {key} is {value!r}; it must be {wanted}.")
    if value not in _CHOICES.get(key, (value,)):
        raise InvalidSetting(
            f"{place}: {key} is {value!r}; choose one of {', '.join(_CHOICES[key])}."
        )
    if isinstance(value, int) and value > _MOST.get(key, value):
        raise InvalidSetting(f"{place}: {key} is {value}; it may be {_MOST[key]} at most.")
    return value


def _is_filled(entry: object) -> bool:
    return isinstance(entry, str) and bool(entry.strip())
