"""What a row of the table is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.foreign import deeds
from tests.foreign.deeds import Hand
from tests.foreign.place import Place
from worker_manager.crew.integration.merge import STRATEGIES

STOPPED = "stopped"
#: A life has one of the merges in it, or a stop with changes that no commit holds.
LIVES = (*STRATEGIES, STOPPED)

Ground = Callable[[Place], None]
Deed = Callable[[Hand], None]


@dataclass(frozen=True)
class Row:
    """A ground, and what the worker does there.

    `early` is before its report, `late` before it is cleaned, `between` that and the restore;
    `way_out` takes away what keeps it
    for good. `refuses` says for a step (`start`, `merge`, `squash`, `rebase`, `clean`, `force`,
    `restore`) that it must be refused, with words like these. `known` says for a life, or for `*`,
    which fault makes it fail today (known.py). `takes` is what no other row of a composition may
    take, too.
    """

    name: str
    grounds: tuple[Ground, ...] = ()
    early: Deed = deeds.usual
    late: Deed = deeds.nothing
    between: Deed = deeds.nothing
    way_out: Deed = deeds.nothing
    refuses: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    takes: frozenset[str] = frozenset()
    settings: Mapping[str, object] = field(default_factory=dict)
    into: str = ""
    base: str = ""
    limit_seconds: float = 0
    comes_back: bool = True
    needs: Callable[[], bool] = lambda: True

    def fault(self, life: str) -> str:
        """The fault that makes this life fail today, or nothing."""
        return self.known.get(life) or self.known.get("*", "")


def ground(change: Ground, *takes: str, **more: object) -> Row:
    """A row of one change, named as its function."""
    name = change.__name__.replace("_", " ")
    return Row(name, (change,), takes=frozenset(takes), **more)  # type: ignore[arg-type]  # Row's own


def deed(change: Deed, *, when: str = "late", **more: object) -> Row:
    """A row of what a worker does, named as its function."""
    name = change.__name__.replace("_", " ")
    takes = frozenset({when, *more.pop("takes", ())})  # type: ignore[call-overload]
    return Row(f"worker: {name}", takes=takes, **{when: change}, **more)  # type: ignore[arg-type]


def composed(rows: tuple[Row, ...]) -> Row:
    """Rows at once; their `takes` are disjoint."""
    first = rows[0]
    for row in rows[1:]:
        first = Row(
            name=f"{first.name} + {row.name}",
            grounds=(*first.grounds, *row.grounds),
            early=row.early if "early" in row.takes else first.early,
            late=row.late if "late" in row.takes else first.late,
            between=row.between if "late" in row.takes else first.between,
            way_out=row.way_out if "late" in row.takes else first.way_out,
            refuses={**first.refuses, **row.refuses},
            known={**first.known, **row.known},
            takes=first.takes | row.takes,
            settings={**first.settings, **row.settings},
            into=first.into or row.into,
            base=first.base or row.base,
            limit_seconds=first.limit_seconds or row.limit_seconds,
            comes_back=first.comes_back and row.comes_back,
        )
    return first
