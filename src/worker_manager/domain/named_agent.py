"""A named agent: what a start is given under a name, as `[agents.NAME]` says it. No input or
output.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from worker_manager.domain.identifiers import is_agent_name
from worker_manager.errors import InvalidSetting

#: A role that ends so names a file.
ROLE_ENDINGS = (".md", ".txt")


class RoleFile(NamedTuple):
    """Where a role lies: a path below the directory of the settings that name it. `is_own`: those
    are the person's, who may keep it somewhere else and have a link there.
    """

    directory: str
    name: str
    is_own: bool = False


class NamedAgent(NamedTuple):
    """The fields are the keys of `[agents.NAME]`, the comments the reference's text."""

    #: the line that `worker-manager agents` shows
    about: str = ""
    #: the program, as the setting `agent`; default: that one's
    agent: str = ""
    #: another agent, of which it has each key that it does not say itself
    like: str = ""
    #: of the program
    model: str = ""
    #: as the setting
    permission_mode: str = ""
    #: who it is: a text, or a file that ends with `.md` or `.txt`, below the directory of these
    #: settings; appended to its system prompt
    role: str | RoleFile = ""
    #: whether the guard refuses all that it would write
    read_only: bool = False
    #: whether workers may ask it for a second opinion
    consult: bool = False
    #: commands that must pass before it completes; those of a start come on top
    checks: tuple[str, ...] = ()
    #: as the setting
    budget_tokens: int | None = None
    #: the only tools of the program's own that it has, by the program's names
    tools: tuple[str, ...] = ()
    #: skills that it loads before it begins
    skills: tuple[str, ...] = ()
    #: further directories that it may read, from the directory of these settings
    directories: tuple[str, ...] = ()


Tables = Mapping[str, Mapping[str, Any]]

_TYPES: dict[str, type] = {
    **dict.fromkeys(("checks", "tools", "skills", "directories"), list),
    **dict.fromkeys(("read_only", "consult"), bool),
    "budget_tokens": int,
}
_WANTED: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    list: "a list of texts, none of them empty",
}
#: Keys whose meaning hangs on the program.
OF_PROGRAM = ("model", "permission_mode", "role", "read_only", "tools", "skills", "directories")


def checked(
    tables: object, place: str, directory: str, *, is_own: bool = False
) -> dict[str, dict[str, Any]]:
    """The tables below `[agents]` of the settings at `place`, in `directory`: of each the keys that
    it says, as the fields of NamedAgent. `is_own`: the settings are the person's. Raises
    InvalidSetting, which names place, table and key.
    """
    if not isinstance(tables, dict):
        raise InvalidSetting(f"{place}: agents is {tables!r}; write tables: [agents.NAME].")
    known = {name: _checked_table(name, table, place) for name, table in tables.items()}
    return {name: _placed(table, directory, is_own) for name, table in known.items()}


def _checked_table(name: str, table: object, place: str) -> dict[str, Any]:
    if not is_agent_name(name):
        raise InvalidSetting(
            f"{place}: {name[:60]!r} can't be an agent's name. Take 1 to 40 of a-z, 0-9 and "
            "dashes, a letter or digit first."
        )
    if not isinstance(table, dict):
        raise InvalidSetting(
            f"{place}: agents.{name} is {table!r}; write a table: [agents.{name}]."
        )
    where = f"{place}: [agents.{name}]"
    return {key: _checked_value(key, value, where) for key, value in table.items()}


def _placed(table: dict[str, Any], directory: str, is_own: bool) -> dict[str, Any]:
    """What a table says, with the files that it names as of the directory of its settings."""
    said = dict(table)
    role = said.get("role", "")
    if role.endswith(ROLE_ENDINGS) and "\n" not in role:
        said["role"] = RoleFile(directory, role, is_own)
    if "directories" in said:
        paths = map(os.path.expanduser, said["directories"])
        said["directories"] = tuple(os.path.join(directory, path) for path in paths)
    return said


def _checked_value(key: str, value: Any, where: str) -> Any:
    if key not in NamedAgent._fields:
        near = nearest(key, NamedAgent._fields)
        raise InvalidSetting(f"{where}: unknown key {key!r}. The nearest is {near!r}.")
    wanted = _TYPES.get(key, str)
    if type(value) is not wanted or not _is_sound(value):
        raise InvalidSetting(f"{where}: {key} is {value!r}; it must be {_WANTED[wanted]}.")
    return tuple(value) if isinstance(value, list) else value


def _is_sound(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, str) and one.strip() and "\0" not in one for one in value)
    if isinstance(value, str):
        return "\0" not in value
    return not isinstance(value, int) or value >= 0


def require_no_circle(tables: Tables) -> None:
    """Raises InvalidSetting, with the circle, when an agent is `like` itself."""
    for name in tables:
        chain(tables, name)


def chain(tables: Tables, name: str) -> list[str]:
    """An agent, the one that it is like, the one that this is like; the last may have no table.
    Raises InvalidSetting.
    """
    names = [name]
    while next_one := tables.get(names[-1], {}).get("like"):
        if next_one in names:
            circle = " -> ".join([*names[names.index(next_one) :], next_one])
            raise InvalidSetting(
                f"[agents.{next_one}] is like itself: {circle}. Take `like` out of one of them."
            )
        names.append(next_one)
    return names


def inherited(tables: Tables, name: str) -> NamedAgent:
    """An agent with all that it says or has from others. Raises InvalidSetting."""
    keys: dict[str, Any] = {}
    for one in reversed(chain(tables, name)):
        keys |= tables.get(one, {})
    return NamedAgent(**keys)


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of some words that is most like it."""
    import difflib

    return difflib.get_close_matches(word, list(words), n=1, cutoff=0.0)[0]
