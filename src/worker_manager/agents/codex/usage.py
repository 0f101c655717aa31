"""What a session has used of its model: Codex writes the sum of all its requests behind each."""

from __future__ import annotations

import math
import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from worker_manager.agents.base import Usage
from worker_manager.agents.codex import rollouts
from worker_manager.errors import InvalidSetting

SHIPPED = Path(__file__).with_name("prices.toml")
_MILLION = 1_000_000


class Tokens(NamedTuple):
    """Those of a session so far, or of one request. `input` holds the cached ones, too."""

    input: int
    cached: int
    cache_write: int
    output: int

    def minus(self, other: Tokens) -> Tokens:
        """What came since then."""
        return Tokens(*(one - before for one, before in zip(self, other, strict=True)))


class Price(NamedTuple):
    """In US dollars for a million tokens, of a request that holds no more than `prompt_up_to`."""

    prompt_up_to: float
    input: float
    cache_read: float
    cache_write: float
    output: float

    def of(self, tokens: Tokens) -> float:
        """What these cost."""
        fresh = tokens.input - tokens.cached - tokens.cache_write
        parts = (
            (fresh, self.input),
            (tokens.cached, self.cache_read),
            (tokens.cache_write, self.cache_write),
            (tokens.output, self.output),
        )
        return sum(count * dollars for count, dollars in parts) / _MILLION


Prices = Mapping[str, list[Price]]


class Meter:
    """Reads rollouts, each time only what is new in them."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._lock = threading.Lock()
        self._rollouts: dict[str, _Rollout] = {}

    def usage(self, path: str) -> Usage | None:
        """As `base.Meter.usage`."""
        with self._lock:
            rollout = self._rollouts.setdefault(path, _Rollout(self._prices))
            rollout.go_on(path)
            total, last = rollout.total, rollout.last
            if not any(total):
                return None
            read, written = total.input, total.output
            fresh = read + written - total.cached
            return Usage(read, written, fresh, last.input + last.output, rollout.cost)


def meter(price_list: str) -> Meter:
    """As `Agent.meter`."""
    return Meter(load(price_list))


def load(path: str) -> Prices:
    """The price list in a file; the shipped one when no path is given. Raises InvalidSetting."""
    place = Path(path).expanduser() if path else SHIPPED
    found: dict[str, list[Price]] = {}
    try:
        for entry in tomllib.loads(place.read_text("utf-8-sig"))["price"]:
            for model in entry["models"]:
                found.setdefault(model, []).append(_price(entry))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidSetting(
            f"prices: {place} is no price list: {error!r}. {SHIPPED} shows the form."
        ) from error
    return found


class _Rollout:
    """How far it was read, and what was used by then."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._offset = 0
        self._model = ""
        self.total = self.last = Tokens(0, 0, 0, 0)
        self.cost: float | None = 0.0

    def go_on(self, path: str) -> None:
        try:
            with open(path, "rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return  # half written
                    self._offset += len(line)
                    if b'"token_count"' in line or b'"turn_context"' in line:
                        self._read(rollouts.parsed(line))
        except OSError:
            return  # what is known stays

    def _read(self, record: dict[str, Any]) -> None:
        payload = record.get("payload", {})
        if record.get("type") == "turn_context":
            self._model = str(payload.get("model", ""))
            return
        info = payload.get("info") if payload.get("type") == "token_count" else None
        if not isinstance(info, dict):
            return
        try:
            total, last = _tokens(info["total_token_usage"]), _tokens(info["last_token_usage"])
        except (KeyError, TypeError, ValueError):
            return
        self._add(total.minus(self.total))
        self.total, self.last = total, last

    def _add(self, used: Tokens) -> None:
        """The same sum may be written again: then nothing was used."""
        if not any(used) or self.cost is None:
            return
        fitting = (one for one in self._prices.get(self._model, ()) if used.input <= one[0])
        price = next(fitting, None)
        self.cost = None if price is None else self.cost + price.of(used)


def _tokens(usage: dict[str, Any]) -> Tokens:
    return Tokens(
        input=int(usage["input_tokens"]),
        cached=int(usage.get("cached_input_tokens") or 0),
        cache_write=int(usage.get("cache_write_input_tokens") or 0),
        output=int(usage["output_tokens"]),
    )


def _price(entry: dict[str, Any]) -> Price:
    """Where writing to the cache has no price of its own it costs what is read."""
    return Price(
        float(entry.get("prompt_up_to", math.inf)),
        float(entry["input"]),
        float(entry["cache_read"]),
        float(entry.get("cache_write_5m", entry["input"])),
        float(entry["output"]),
    )
