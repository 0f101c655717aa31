"""When a usage limit is over, as Codex says it to people, by their own clock: "try again at 9:06
PM", "try again at Nov 30th, 2026 9:06 PM".
"""

import re
from datetime import datetime, timedelta

_AT = re.compile(
    r"try again at (?:(?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2})(?:st|nd|rd|th), (?P<year>\d{4}) )?"
    r"(?P<clock>\d{1,2}:\d\d [AP]M)"
)


def limit_end(text: str, now: datetime) -> datetime | None:
    """The first time after `now` (with a zone: the person's) that fits what a text says; None
    when it names none.
    """
    found = _AT.search(text)
    if found is None:
        return None
    try:
        clock = datetime.strptime(found["clock"], "%I:%M %p")
        at = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
        if found["month"] is None:
            return at if at > now else at + timedelta(days=1)
        date = f"{found['day']} {found['month']} {found['year']}"
        day = datetime.strptime(date, "%d %b %Y")
    except ValueError:
        return None
    return at.replace(year=day.year, month=day.month, day=day.day)
