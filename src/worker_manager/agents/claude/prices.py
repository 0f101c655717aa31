"""What a model's tokens cost, from a data file that can be replaced."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from worker_manager.errors import InvalidSetting

SHIPPED = Path(__file__).with_name("prices.toml")
#: In front of, or behind, the name that a price list has: a provider, a date, a version, [1m].
_AROUND = re.compile(r"^.*[./](?=claude-)|[-@]\d{8}\b|-v\d+(:\d+)?$|\[.*\]$|-latest$")
_MILLION = 1_000_000


class Tokens(NamedTuple):
    """Those of one message. `input` is neither read from the cache nor written to it."""

    input: int
    cache_write_5m: int
    cache_write_1h: int
    cache_read: int
    output: int

    @property
    def prompt(self) -> int:
        """What the model read."""
        return sum(self) - self.output


class _Price(NamedTuple):
    prompt_up_to: float
    each: tuple[float, ...]  # in the order of Tokens


class Prices:
    """A price list."""

    def __init__(self, prices: Mapping[str, list[_Price]]) -> None:
        self._prices = prices

    def cost(self, model: str, tokens: Tokens) -> float | None:
        """In US dollars; None when the list has no price for the model."""
        if not any(tokens):
            return 0.0
        for price in self._prices.get(_AROUND.sub("", model), ()):
            if tokens.prompt <= price.prompt_up_to:
                pairs = zip(tokens, price.each, strict=True)
                return sum(count * dollars for count, dollars in pairs) / _MILLION
        return None


def load(path: str) -> Prices:
    """The price list in a file; in the shipped one when no path is given. Raises InvalidSetting."""
    place = Path(path).expanduser() if path else SHIPPED
    try:
        entries = tomllib.loads(place.read_text("utf-8-sig"))["price"]
        return Prices(_by_model(entries))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidSetting(
            f"prices: {place} is no price list: {error!r}. {SHIPPED} shows the form."
        ) from error


def _by_model(entries: list[dict[str, Any]]) -> dict[str, list[_Price]]:
    found: dict[str, list[_Price]] = {}
    for entry in entries:
        each = tuple(float(entry[name]) for name in Tokens._fields)
        price = _Price(float(entry.get("prompt_up_to", math.inf)), each)
        for model in entry["models"]:
            found.setdefault(model, []).append(price)
    return found
