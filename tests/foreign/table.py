"""All rows: repositories, settings, hooks, contents, and what workers do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import strategies as st

from tests.foreign import contents, hooks, layouts, settings, work
from tests.foreign.known import KNOWN
from tests.foreign.rows import STOPPED, Row, composed
from worker_manager.crew.integration.merge import STRATEGIES

#: In the order in which their grounds are made when several are composed.
_ALL = (Row("plain"), *layouts.ROWS, *contents.ROWS, *settings.ROWS, *hooks.ROWS, *work.ROWS)
#: About what programs say and do, not about what lies on the disk.
_OF_PROGRAMS = {row.name for row in (*settings.ROWS, *hooks.ROWS)}


def _numbered(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """With a name of its own each."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        seen[row.name] += 1
        number = seen[row.name]
        name = row.name if number == 1 else f"{row.name} ({number})"
        found.append(replace(row, name=name, known=KNOWN.get(name, {})))
    return tuple(found)


ROWS = _numbered(_ALL)


def lives_in_ci(row: Row) -> tuple[str, ...]:
    """One of the merges, each row another one; a stop where it is about files. All lives of all
    rows are in `python -m tests.stress foreign`.
    """
    merge = STRATEGIES[ROWS.index(row) % len(STRATEGIES)]
    is_of_program = row.name in _OF_PROGRAMS
    return (merge,) if is_of_program else (merge, STOPPED)


def compositions() -> st.SearchStrategy[Row]:
    """Two or three rows at once that do not take the same, none of which is known to fail."""
    pool = [index for index, row in enumerate(ROWS) if _may_be_composed(row)]
    chosen = st.lists(st.sampled_from(pool), min_size=2, max_size=3, unique=True)
    rows = chosen.map(lambda some: tuple(ROWS[one] for one in sorted(some)))
    return rows.filter(_are_compatible).map(composed)


def _may_be_composed(row: Row) -> bool:
    return bool(row.takes and row.needs()) and not (
        row.known or row.limit_seconds or "start" in row.refuses
    )


def _are_compatible(rows: tuple[Row, ...]) -> bool:
    taken = [one for row in rows for one in row.takes]
    return len(taken) == len(set(taken))
