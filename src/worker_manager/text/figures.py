"""Formats times and amounts for narrow columns."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

_SIZES = ((10**9, "G"), (10**6, "M"), (10**3, "k"))
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def age(since: str, at: datetime | None = None) -> str:
    """Formats the time since an ISO time: `3m`; empty when it is not one."""
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
    """Formats an ISO time in local time: `14:05:09`, or date and minutes when it is not of today.
    Empty when it is not one.
    """
    local = _local(at)
    if local is None:
        return ""
    is_today = local.date() == datetime.now().astimezone().date()
    return f"{local:%H:%M:%S}" if is_today else f"{local:%Y-%m-%d %H:%M}"


def time_of_day(at: str) -> str:
    """Formats an ISO time in local time without a date: `14:05:09`. Empty when it is not one."""
    local = _local(at)
    return f"{local:%H:%M:%S}" if local else ""


def _local(at: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(at).astimezone()
    return None
