"""Ratios: ours and a floor, run in turns, so that a busy machine is busy for both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

#: A goal that is missed by so much fails the run.
FAR = 2.0


class Row(NamedTuple):
    """Ours and the floor, in seconds (or what `unit` says), and how many times the floor ours may
    be. `known` is the ratio of a goal that is missed, where that is known and explained
    (docs/explanation/performance.md): then only a multiple of it is far off.
    """

    what: str
    floor_is: str
    ours: float
    floor: float
    goal: float
    known: float = 0.0
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """How many times the floor ours is."""
        return self.ours / self.floor

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio <= self.goal

    @property
    def is_far(self) -> bool:
        """Whether it is missed by so much that something must be broken."""
        return self.ratio > FAR * max(self.goal, self.known)


def seconds(run: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_turns(
    rounds: int, ours: Callable[[], float], floor: Callable[[], float]
) -> tuple[float, float]:
    """The medians of both, measured one after the other in each round; the first doesn't count."""
    pairs = [(floor(), ours()) for _ in range(rounds + 1)][1:]
    return statistics.median(one[1] for one in pairs), statistics.median(one[0] for one in pairs)
