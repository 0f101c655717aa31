"""A worker as one line of the list: figures short, columns aligned, wide characters counted."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from worker_manager.dashboard.attention import need_of, word_for
from worker_manager.domain.worker import Status
from worker_manager.text import rendering
from worker_manager.text.figures import age, amount
from worker_manager.views.gatherer import Sighting

#: Columns with a width of their own; the worker and what it does share the rest.
_FIXED = (("", 2), ("status", 10))
_FIGURES = (("age", 4), ("tokens", 7), ("cost", 7), ("lines", 10))
_MAX_TITLE = 36


class Tones(NamedTuple):
    """Styles, as rich names them, that can be read on the theme's background."""

    need: str
    bad: str
    good: str
    quiet: str


def heading(width: int) -> Text:
    """The columns' names."""
    title, doing = _shares(width)
    text = Text(style="bold")
    for name, size in (*_FIXED, ("worker", title), ("doing", doing)):
        text.append(_fit(name, size))
    for name, size in _FIGURES:
        text.append(name.rjust(size))
    return text


def row(sighting: Sighting, width: int, tones: Tones) -> Text:
    """One worker."""
    title, doing = _shares(width)
    facts, need = sighting.facts, need_of(sighting)
    style = _tone(sighting, tones)
    text = Text(_fit("!" if need else "", 2), style="", no_wrap=True, end="")
    text.stylize(f"bold {style}")
    text.append(_fit(word_for(sighting), 10), f"bold {style}" if need else style)
    text.append(_fit(rendering.one_line(facts.title), title))
    text.append(_fit(doing_of(sighting), doing), style if need else "")
    figures = (
        age(facts.since or facts.created_at),
        tokens_of(sighting),
        cost_of(facts.cost_usd),
        _lines(sighting),
    )
    for value, (_, size) in zip(figures, _FIGURES, strict=True):
        text.append(value.rjust(size), tones.quiet)
    return text


def doing_of(sighting: Sighting) -> str:
    """What it waits for, or does now, or said last; on one line."""
    worker, facts = sighting
    said = worker.report.text if worker.report else ""
    if facts.status == Status.ASKING:
        told = facts.question
    else:
        told = facts.reason or (said if worker.finished else facts.doing)
    return rendering.one_line(told[:600])


def tokens_of(sighting: Sighting) -> str:
    """Those read and written."""
    facts = sighting.facts
    return (
        "" if facts.tokens_read is None else amount(facts.tokens_read + (facts.tokens_written or 0))
    )


def counted(number: int, name: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {name}{'s' if number != 1 else ''}"


def cost_of(cost: float | None) -> str:
    """In US dollars."""
    return "" if cost is None else f"${cost:,.2f}"


def _lines(sighting: Sighting) -> str:
    facts = sighting.facts
    if facts.lines_added is None or facts.lines_removed is None or not facts.changed_files:
        return ""
    return f"+{amount(facts.lines_added)} -{amount(facts.lines_removed)}"


def _tone(sighting: Sighting, tones: Tones) -> str:
    word = word_for(sighting)
    if word in ("failed", "gone"):
        return tones.bad
    if need_of(sighting):
        return tones.need
    return tones.good if word in ("running", "completed", "merged") else tones.quiet


def _shares(width: int) -> tuple[int, int]:
    left = max(24, width - sum(size for _, size in (*_FIXED, *_FIGURES)))
    title = min(_MAX_TITLE, left // 2)
    return title, left - title


def cut(text: str, width: int) -> str:
    """At most so many cells wide; what is cut off shows it."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…"


def _fit(text: str, size: int) -> str:
    """So many cells wide, the last one blank."""
    return set_cell_size(cut(text, size - 1), size)
