"""When a usage limit is over, as Codex says it to people, by their own clock: "try again at 9:06
PM", "try again at Nov 30th, 2026 9:06 PM".
"""

import re
from datetime import datetime, timedelta

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_AT = re.compile(
    r"try again at (?:(?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2})(?:st|nd|rd|th), (?P<year>\d{4}) )?"
    r"(?P<clock>\d{1,2}:\d\d [AP]M)"
)


def limit_end(text: str, now: datetime) -> datetime | None:
    """The first time after `now` (with a zone: the person's) that fits what a text says; None
    when it names none. Codex cuts the seconds off: a minute later it is over. What was over within
    the last hour is over at once.
    """
    found = _AT.search(text)
    if found is None:
        return None
    try:
        clock = datetime.strptime(found["clock"], "%I:%M %p")
        at = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
        if found["month"] is None:
            days = (at - DAY, at, at + DAY)
            return max(now, next(day for day in days if day > now - HOUR)) + MINUTE
        date = f"{found['day']} {found['month']} {found['year']}"
        day = datetime.strptime(date, "%d %b %Y")
    except ValueError:
        return None
    return max(now, at.replace(year=day.year, month=day.month, day=day.day)) + MINUTE
