"""What a session has used of its model, from its transcripts: each message's usage stands on every
line of its blocks, and counts once.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from worker_manager.agents.base import Usage
from worker_manager.agents.claude import prices
from worker_manager.agents.claude.prices import Prices, Tokens


class Meter:
    """Reads transcripts, each time only what is new in them."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._lock = threading.Lock()
        self._transcripts: dict[str, _Transcript] = {}

    def usage(self, path: str) -> Usage | None:
        """That of a session and its subagents; None when it has no transcript, or nothing was
        asked yet.
        """
        with self._lock:
            main = self._read(path)
            used = {**main.used}
            for subagent in _subagents(path):
                used |= self._read(subagent).used
        return self._summed(used, sum(main.last)) if used else None

    def _read(self, path: str) -> _Transcript:
        transcript = self._transcripts.setdefault(path, _Transcript())
        transcript.go_on(path)
        return transcript

    def _summed(self, used: dict[str, tuple[str, Tokens]], context: int) -> Usage:
        tokens = [each for _, each in used.values()]
        read, written = sum(one.prompt for one in tokens), sum(one.output for one in tokens)
        fresh = read + written - sum(one.cache_read for one in tokens)
        costs = [self._prices.cost(model, each) for model, each in used.values()]
        known = [cost for cost in costs if cost is not None]
        return Usage(
            read, written, fresh, context, sum(known) if len(known) == len(costs) else None
        )


def meter(price_list: str) -> Meter:
    """As `Agent.meter`."""
    return Meter(prices.load(price_list))


class _Transcript:
    """How far it was read, and the model and tokens of each message."""

    def __init__(self) -> None:
        self._offset = 0
        self.used: dict[str, tuple[str, Tokens]] = {}
        self.last = Tokens(0, 0, 0, 0, 0)

    def go_on(self, path: str) -> None:
        try:
            with open(path, "rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return  # half written
                    self._offset += len(line)
                    if b'"usage"' in line:
                        self._add(line)
        except OSError:
            return  # what is known stays

    def _add(self, line: bytes) -> None:
        try:
            message = json.loads(line)["message"]
            name, model = str(message["id"]), str(message.get("model", ""))
            self.last = _tokens(message["usage"])
        except (ValueError, KeyError, TypeError):
            return
        self.used[name] = (model, self.last)


def bytes_written(path: str) -> int:
    """How much a session and its subagents have written: as long as this is the same, what they
    have used is, too.
    """
    return _size(path) + sum(map(_size, _subagents(path)))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _tokens(usage: dict[str, Any]) -> Tokens:
    written = int(usage.get("cache_creation_input_tokens") or 0)
    by_time = usage.get("cache_creation")
    for_hour = int((by_time or {}).get("ephemeral_1h_input_tokens") or 0)
    return Tokens(
        input=int(usage["input_tokens"]),
        cache_write_5m=max(0, written - for_hour),
        cache_write_1h=for_hour,
        cache_read=int(usage.get("cache_read_input_tokens") or 0),
        output=int(usage["output_tokens"]),
    )


def _subagents(path: str) -> list[str]:
    """Their transcripts, also those of a workflow's agents, a folder or more below (seen in
    2.1.197, 2.1.329 and 2.1.332). A workflow's `journal.jsonl` says nothing else than they do.
    """
    folder = f"{path.removesuffix('.jsonl')}/subagents"
    if not os.access(folder, os.F_OK):  # mostly: a quarter of what a failed listing takes
        return []
    found = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    return sorted(one for one in found if os.path.basename(one).startswith("agent-"))
