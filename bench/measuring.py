"""Ratios: ours and another, run in turns, so that a busy machine is busy for both. The other is a
floor, or an earlier version.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from bench.builds import Build

#: A goal that is missed by so much fails the run.
FAR = 2.0


class Plan(NamedTuple):
    """How often each thing is measured, and the earlier version beside it, if there is one."""

    rounds: int
    other: Build | None = None


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


class Cost(NamedTuple):
    """Seconds that somebody waits, and seconds of CPU of all processes that were at work."""

    wall: float
    cpu: float


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


def costs_in_turns(rounds: int, measures: Sequence[Callable[[], Cost]]) -> list[Cost]:
    """The medians of each, measured as `in_turns` does."""
    taken = [[measure() for measure in measures] for _ in range(rounds + 1)][1:]
    return [
        Cost(*(statistics.median(kind) for kind in zip(*costs, strict=True)))
        for costs in zip(*taken, strict=True)
    ]


def cost_rows(
    what: str, other_is: str, ours: Cost, other: Cost, goal: float, known: float = 0.0
) -> Iterator[Row]:
    """Both kinds of time: what somebody waits may be more where the machine does something else."""
    yield Row(what, other_is, ours.wall, other.wall, goal, known)
    yield Row(f"{what}, CPU", other_is, ours.cpu, other.cpu, goal, known)
