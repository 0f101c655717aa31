"""The arguments of a call, by the schema of their tool: as lenient as the SDK's own server is, and
more so where what a model means is plain (a test lists that).
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from worker_manager.errors import InvalidInput
from worker_manager.text.output import json_line

#: How models write a boolean when they don't write one.
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
_WANTED = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list of texts",
}
_SHOWN = 100
#: How a list begins that is no JSON. A shell's `[ -f x ]` begins otherwise.
_TORN = ('["', "['")


def checked(schema: Mapping[str, Any], given: Mapping[str, object]) -> dict[str, object]:
    """Those that the tool knows, as it wants them. Others are left out, as models invent some.
    Raises InvalidInput, which names all that is wrong.
    """
    found, wrong = dict[str, object](), list[str]()
    for name, one in schema["properties"].items():
        if name not in given:
            if name in schema.get("required", ()):
                wrong.append(f"{name} is missing. Give {_wanted(one)}.")
            continue
        try:
            found[name] = _taken(one, given[name])
        except ValueError:
            if given[name] is None and "default" in one:
                continue  # as if it was not given
            wrong.append(f"{name} is {_shown(given[name])}. Give {_wanted(one)}.")
    if wrong:
        raise InvalidInput(f"{' '.join(wrong)} Then call again.")
    return found


def _taken(schema: Mapping[str, Any], value: object) -> object:
    """Raises ValueError."""
    kinds = {one["type"]: one for one in schema.get("anyOf", (schema,))}
    if isinstance(value, str) and "string" not in kinds:
        value = _unpacked(value)
    if "null" in kinds and (value is None or value == "null"):
        return None
    for kind, one in kinds.items():
        if kind == "array":
            return [_taken(one["items"], item) for item in _list(value)]
        if kind != "null":
            return _TAKE[kind](value)
    raise ValueError


def _list(value: object) -> list[object]:
    """A bare text is its only item; but not one that was to be a list. Raises ValueError."""
    if isinstance(value, str) and value.strip() and not value.lstrip().startswith(_TORN):
        return [value]
    if isinstance(value, list):
        return value
    raise ValueError


def _unpacked(text: str) -> object:
    """Some models write a list, or null, as a text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if value is None or isinstance(value, list) else text


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise ValueError


def _integer(value: object) -> int:
    if isinstance(value, int):
        return int(value)  # beyond what a float holds, too
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
        return int(value)
    number = _number(value)
    if not number.is_integer():
        raise ValueError
    return int(number)


def _number(value: object) -> float:
    if isinstance(value, int | float | str):
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError from error
    raise ValueError


_TAKE: Mapping[str, Callable[[object], object]] = {
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
}


def _wanted(schema: Mapping[str, Any]) -> str:
    kinds = [one["type"] for one in schema.get("anyOf", (schema,)) if one["type"] != "null"]
    return _WANTED[kinds[0]]


def _shown(value: object) -> str:
    try:
        text = repr(value) if isinstance(value, str) else json_line(value)
    except (RecursionError, ValueError):  # nested too deep, or infinite
        text = reprlib.repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
