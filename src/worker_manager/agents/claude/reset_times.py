"""When a usage limit is over, as Claude Code says it to people: "resets 3pm (Europe/Berlin)",
"resets Oct 8 at 10:30am", "resets in 2 hours", or seconds since the epoch behind a bar.
"""

import re
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = re.compile(r"\|\s*(\d{10})\b")
_SPAN = re.compile(r"\bresets? in (\d+)\s*(d|h|m)", re.IGNORECASE)
_CLOCK = re.compile(
    r"\bresets?(?: on)?(?: at)?\s+"
    r"(?:(?P<month>[A-Z][a-z]{2})[a-z]*\.? (?P<day>\d{1,2})(?:,? at|,)? )?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>am|pm)?"
    r"(?:\s*\((?P<zone>[\w/+-]+)\))?",
    re.IGNORECASE,
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_SPANS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}


def limit_end(text: str, now: datetime) -> datetime | None:
    """The first time after `now` (with a zone: the person's) that fits what a text says; None
    when it names none.
    """
    if epoch := _EPOCH.search(text):
        return datetime.fromtimestamp(int(epoch[1]), now.tzinfo)
    if span := _SPAN.search(text):
        return now + int(span[1]) * _SPANS[span[2].lower()]
    clock = _CLOCK.search(text)
    if clock is None or not (clock["half"] or clock["minute"]):
        return None
    try:
        return _next(clock, now.astimezone(_zone(clock["zone"], now)))
    except ValueError:
        return None  # 30 o'clock


def _next(clock: re.Match[str], now: datetime) -> datetime | None:
    at = now.replace(minute=int(clock["minute"] or 0), hour=_hour(clock), second=0, microsecond=0)
    if clock["month"] is None:
        return at if at > now else at + timedelta(days=1)
    month = clock["month"].lower()
    if month not in _MONTHS:
        return None
    at = at.replace(month=_MONTHS.index(month) + 1, day=int(clock["day"]))
    return at if at > now else at.replace(year=at.year + 1)


def _hour(clock: re.Match[str]) -> int:
    hour, half = int(clock["hour"]), (clock["half"] or "").lower()
    if not half:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half == "pm" else 0)


def _zone(name: str | None, now: datetime) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else now.tzinfo
    except (ZoneInfoNotFoundError, ValueError):
        return now.tzinfo
