"""Times and amounts as short as a column wants them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

_SIZES = ((10**9, "G"), (10**6, "M"), (10**3, "k"))
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def age(since: str, at: datetime | None = None) -> str:
    """How long ago an ISO time was: `3m`; empty when that is unknown."""
    with suppress(ValueError, TypeError):  # without a zone it is none of ours
        seconds = ((at or datetime.now(UTC)) - datetime.fromisoformat(since)).total_seconds()
        for size, unit in _UNITS:
            if seconds >= size:
                return f"{int(seconds / size)}{unit}"
        return "0s"
    return ""


def amount(number: int | None) -> str:
    """`950`, `1.2k`, `12k`, `3.4M`; empty for None."""
    if number is None:
        return ""
    for size, letter in _SIZES:
        if number >= 0.9995 * size:
            value = number / size
            return f"{value:.1f}{letter}" if value < 9.95 else f"{value:.0f}{letter}"
    return str(number)


def clock(at: str) -> str:
    """An ISO time as the clock here shows it: `14:05:09`; with the date when that was not today.
    Empty for what is none.
    """
    local = _local(at)
    if local is None:
        return ""
    is_today = local.date() == datetime.now().astimezone().date()
    return f"{local:%H:%M:%S}" if is_today else f"{local:%Y-%m-%d %H:%M}"


def time_of_day(at: str) -> str:
    """The same without a date: in a row of lines."""
    local = _local(at)
    return f"{local:%H:%M:%S}" if local else ""


def _local(at: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(at).astimezone()
    return None
