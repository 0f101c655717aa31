"""Workers as a table, one line for each, never wider than the terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from worker_manager.agents import agent_in_record
from worker_manager.cli.terminal.columns import cut, fill, width, widths
from worker_manager.cli.terminal.output import bold, in_color
from worker_manager.domain.reasons import DIALOGS, RATE_LIMIT
from worker_manager.domain.worker import Status
from worker_manager.text import rendering
from worker_manager.text.figures import age, amount

if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet
    from worker_manager.domain.worker import Worker
    from worker_manager.views.worker_facts import Facts

_HEADS = ("ID", "STATUS", "FOR", "WORK", "TOKENS", "TITLE", "NOW")
_MAX_WIDTHS = {"ID": 8, "STATUS": 9, "FOR": 4, "WORK": 9, "TOKENS": 6, "TITLE": 24}
#: Always there: the last one takes what room is left.
_KEPT = ("ID", "STATUS", "NOW")
_GAP = "  "
#: The last column is what one looks for: titles make room for it, down to these.
_MIN_NOW, _MIN_TITLE = 32, 12
#: Below this the last column tells nothing.
_MIN_WIDTH = 8


def lines(facts: Sequence[Facts], columns: int) -> list[str]:
    """Returns a heading and a line for each worker; columns that are empty for all are left out."""
    rows = _with_something([_HEADS, *map(_cells, facts)])
    sizes, room = _sizes(rows, columns)
    shown = [_GAP.join([*map(fill, row, sizes), cut(row[-1], room)]).rstrip() for row in rows]
    shown = [line if width(line) <= columns else cut(line, columns) for line in shown]
    colored = [_colored(line, sizes, one) for line, one in zip(shown[1:], facts, strict=True)]
    return [bold(shown[0]), *colored]


def _sizes(rows: Sequence[Sequence[str]], columns: int) -> tuple[list[int], int]:
    """Returns the widths of all columns but the last, and the width left for the last."""
    sizes = widths(rows, [_MAX_WIDTHS[head] for head in rows[0][:-1]])
    room = columns - sum(sizes) - len(_GAP) * len(sizes)
    wanted = min(_MIN_NOW, max(width(row[-1]) for row in rows))
    spare = sizes[-1] - (_MIN_TITLE if room >= _MIN_WIDTH else _MIN_WIDTH)
    given = max(0, min(wanted - room, spare))
    sizes[-1] -= given
    return sizes, max(0, room + given)


def needs(facts: Sequence[Facts]) -> list[str]:
    """Returns a line with the command to run for each worker that waits for the person."""
    return [
        f"{fact.id} waits: worker-manager {_way_to_give(fact)} {fact.id}"
        for fact in facts
        if fact.status in (Status.ASKING, Status.BLOCKED)
    ]


def _way_to_give(one: Facts) -> str:
    """Returns the command that answers a waiting worker, or leads to its terminal."""
    if one.status == Status.ASKING or one.reason.startswith(DIALOGS):
        return "answer"
    return "nudge" if one.reason == RATE_LIMIT else "attach"


def now_of(fleet: Fleet, worker: Worker) -> tuple[str, str, str]:
    """Returns a worker's status, since when (ISO time), and what it does, without running git."""
    status, reason, since = worker.effective_status(fleet.activity(worker), at=time.time())
    agent = agent_in_record(worker.agent)
    doing = "" if worker.finished else agent.latest(fleet.transcript(worker))
    return status.value, since, rendering.one_line(reason or doing)


def _with_something(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows without columns that are empty but for their heading."""
    columns = [
        column for column in zip(*rows, strict=True) if column[0] in _KEPT or any(column[1:])
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _cells(one: Facts) -> tuple[str, ...]:
    work = f"{one.commits}c {one.changed_files}f" if one.commits or one.changed_files else ""
    tokens = amount(one.context_tokens)
    now = one.question or one.reason or one.doing
    missing = f"[{one.missing} missing] " if one.missing else ""
    said = rendering.one_line(missing + now)
    title = rendering.one_line(one.title)
    return (one.id, one.status, age(one.since), work, tokens, title, said)


def _colored(line: str, sizes: Sequence[int], one: Facts) -> str:
    """With its status in color; everything before that is ASCII."""
    begin = sizes[0] + len(_GAP)
    end = begin + len(one.status)
    return line[:begin] + in_color(one.status, line[begin:end]) + line[end:]
