"""Settings: worker-manager.toml of the repository, then the user's, then the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from worker_manager.domain import named_agent
from worker_manager.errors import InvalidSetting
from worker_manager.worktrees.marks import settings_directory

#: In a repository.
FILE = "worker-manager.toml"

#: Variables of ours that are no settings.
_RESERVED = {"STATE_DIR", "WORKER_ID", "SESSION_ID", "HOOKED", "PYTHON", "LOG"}


class Settings(NamedTuple):
    """Field `worktree_directory` is the key `worktree.directory` and the variable
    WORKER_MANAGER_WORKTREE_DIRECTORY, and so on. The comments are the reference's text.
    """

    #: `claude`, `codex`, `scripted`, or the name of [one of yours](../howto/agents.md)
    agent: str = "claude"
    #: of the agent's program; its own default when empty
    model: str = ""
    #: Claude Code's, of each worker: what it may do without asking
    permission_mode: str = "bypassPermissions"
    #: whether your `/exit` stops your unfinished workers, or `keep`s them
    on_exit: str = "stop"
    #: how many work at once on this machine; further starts are queued. 0: measured, 4 for each
    #: core as long as 700 MB of memory are free
    max_workers: int = 0
    #: for each worker: at 80 % it is told, at 100 % it is asked to stop and your session told.
    #: Tokens read from the model's cache don't count. 0: none
    budget_tokens: int = 0
    #: the same for all workers of a session; then none starts
    session_budget_tokens: int = 0
    #: a price list in the place of [ours](../../src/worker_manager/agents/claude/prices.toml)
    prices: str = ""
    #: how long `ask` waits; after that the answer comes as a message instead
    ask_wait_seconds: int = 3600
    #: after that an idle worker without a report is told of
    idle_seconds: int = 60
    #: between being asked to stop and the end
    stop_grace_seconds: int = 60
    #: after that a completed worker's session is closed; `restore_worker` goes on with it
    close_after_seconds: int = 3600
    #: after that a dialog is left to the person; 86400 at most
    permission_wait_seconds: int = 3600
    #: inside the repository, kept out of its status
    worktree_directory: str = ".worktrees"
    #: of each worker's branch. Where a branch `worker` leaves no room for `worker/...`, it is
    #: `worker-`
    worktree_branch_prefix: str = "worker/"
    #: [patterns of ignored files](../howto/environment.md) that each worktree gets, with those in
    #: `.worktreeinclude`
    worktree_copy: tuple[str, ...] = ()
    #: a command that is run in each new worktree before the agent
    worktree_setup: str = ""
    #: its time limit
    worktree_setup_seconds: int = 1800
    #: the time limit of each check
    check_seconds: int = 1800
    #: a worker's writes to your checkout: `refuse`, `tell` or `off`
    guard: str = "refuse"
    #: our own tmux server, never your default one
    tmux_socket: str = "worker-manager"
    #: whether `watch` [rings](../howto/watch.md) when a worker comes to need you
    notify_bell: bool = True
    #: the same as a notification on the desktop
    notify_desktop: bool = True
    #: a command that is run then, with a sentence as its `$1`
    notify_command: str = ""
    #: an address that gets the event then, as JSON
    notify_webhook: str = ""
    #: programs of others than Anthropic that may [see your code](../howto/agents.md), in every
    #: repository; nowhere but in your own settings
    allowed_programs: tuple[str, ...] = ()
    #: what each `[agents.NAME]` says, by name
    agents: named_agent.Tables = {}  # noqa: RUF012  a Mapping: nobody changes it


_TYPES = {
    name: type(default) for name, default in Settings._field_defaults.items() if name != "agents"
}
_TABLES = ("worktree", "tmux", "notify")
#: What a person says in their own file only: neither what is committed nor a variable, which a
#: committed `.claude/settings.json` may set, or a model before a command, speaks for them.
OWN_ONLY = frozenset({"allowed_programs"})
_CHOICES = {"on_exit": ("stop", "keep"), "guard": ("refuse", "tell", "off")}
#: How a text must look, and how that is said.
_FORMS = {
    "worktree_directory": (
        re.compile(r"(?i)(?!.*(^|/)(\.\.?|\.git)(/|$))[^/~\x00-\x1f\x7f][^\x00-\x1f\x7f]*"),
        "a directory below the checkout, such as .worktrees: no '.', '..', '.git' or '~' in it",
    ),
    "worktree_branch_prefix": (
        re.compile(r"(?!.*(\.\.|//|/\.|\./|\.lock/))([A-Za-z0-9_][A-Za-z0-9._/-]*)?"),
        "the beginning of a branch's name, such as worker/",
    ),
}
_WANTED = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    tuple: "a list of texts, none of them empty",
}
#: Claude Code ends the hook that waits a minute after this (hooks.json).
_MAX: dict[str, int] = {"permission_wait_seconds": 86_400}


def load(repository: Path, environ: Mapping[str, str]) -> Settings:
    """The settings in force in a directory of a repository; raises InvalidSetting naming place, key
    and the nearest valid one. What lies in a worker's worktree is not read.
    """
    repository = Path(settings_directory(str(repository)))
    committed, own = repository / FILE, own_file(environ)
    shared, owned, given = _read(committed), _read(own), _from_environment(environ)
    for key in sorted(OWN_ONLY.intersection(shared)):
        raise InvalidSetting(
            f"{committed}: {key} can't be set for everybody who works here: each person says it in "
            f"{own}, or runs worker-manager agents --enable."
        )
    for key in sorted(OWN_ONLY.intersection(given)):
        raise InvalidSetting(
            f"the environment: WORKER_MANAGER_{key.upper()} can't be set, since not only you can "
            f"set a variable. Write {key} in {own}, or run worker-manager agents --enable."
        )
    is_own = not _lies_in_checkout(own, repository)
    settings = _apply(Settings(), shared, str(committed))
    settings = _apply(settings, owned, str(own), is_own=is_own)
    settings = _apply(settings, given, "the environment")
    named_agent.require_no_circle(settings.agents)
    meant = {*settings.allowed_programs, *_programs_in(owned)} if is_own else ()
    return settings._replace(allowed_programs=tuple(sorted(meant)))


def own_file(environ: Mapping[str, str]) -> Path:
    """Where the person's own settings are, or would be."""
    home = environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(home):  # to be ignored, as its specification says
        home = os.path.expanduser("~/.config")
    return Path(home) / "worker-manager" / "config.toml"


def _lies_in_checkout(own: Path, directory: Path) -> bool:
    """Whether the checkout around a directory has a file: others may have committed it."""
    start = Path(os.path.realpath(directory))
    tops = (one for one in (start, *start.parents) if os.path.lexists(one / ".git"))
    top = next(tops, start)
    return any(
        Path(place).is_relative_to(top) for place in (os.path.abspath(own), os.path.realpath(own))
    )


def _programs_in(owned: Mapping[str, Any]) -> set[str]:
    """What a person names in settings of their own they also allow."""
    tables = owned.get("agents", {}).values()
    return {one["agent"] for one in (owned, *tables) if one.get("agent")}


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8-sig")
        import tomllib

        content = tomllib.loads(text)
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


def _apply(
    settings: Settings, values: Mapping[str, Any], place: str, *, is_own: bool = False
) -> Settings:
    directory = os.path.dirname(place)
    said = named_agent.checked(values.get("agents", {}), place, directory, is_own=is_own)
    settings = _with_agents(settings, said)
    plain = {key: value for key, value in values.items() if key != "agents"}
    return settings._replace(**{key: _checked(key, plain[key], place) for key in plain})


def _with_agents(settings: Settings, said: named_agent.Tables) -> Settings:
    """Of two tables of one name the later place wins, key by key."""
    names = {**settings.agents, **said}
    merged = {one: {**settings.agents.get(one, {}), **said.get(one, {})} for one in names}
    return settings._replace(agents=merged)


def _checked(key: str, value: Any, place: str) -> Any:
    if key not in _TYPES:
        near = named_agent.nearest(key, _TYPES)
        raise InvalidSetting(f"{place}: unknown setting {key!r}. The nearest is {near!r}.")
    if _TYPES[key] is tuple and isinstance(value, list) and all(map(_is_filled, value)):
        return tuple(value)
    if type(value) is not _TYPES[key]:
        wanted = _WANTED[_TYPES[key]]
        raise InvalidSetting(f"{place}: {key} is {value!r}; it must be {wanted}.")
    form, wanted = _FORMS.get(key, (None, ""))
    if form and not form.fullmatch(str(value)):
        raise InvalidSetting(f"{place}: {key} is {value!r}; it must be {wanted}.")
    if value not in _CHOICES.get(key, (value,)):
        raise InvalidSetting(
            f"{place}: {key} is {value!r}; choose one of {', '.join(_CHOICES[key])}."
        )
    if isinstance(value, int) and value > _MAX.get(key, value):
        raise InvalidSetting(f"{place}: {key} is {value}; it may be {_MAX[key]} at most.")
    return value


def _is_filled(entry: object) -> bool:
    return isinstance(entry, str) and bool(entry.strip())
