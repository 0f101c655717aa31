"""When a usage limit is over, from what Claude Code says."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from worker_manager.agents.claude.reset_times import limit_end

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("You've hit your session limit · resets 3pm", "2026-11-21T15:00+01:00"),
        ("5-hour limit reached ∙ resets 2pm", "2026-11-22T14:00+01:00"),
        ("You have hit your limit, it resets at 5:15pm", "2026-11-21T17:15+01:00"),
        ("resets 12am", "2026-11-22T00:00+01:00"),
        ("resets 15:45", "2026-11-21T15:45+01:00"),
        ("limit · resets 9am (America/New_York)", "2026-11-21T09:00-05:00"),
        ("resets 3pm (Nowhere/Land)", "2026-11-21T15:00+01:00"),
        ("weekly limit · resets Nov 24 at 10:30am (UTC)", "2026-11-24T10:30+00:00"),
        ("weekly limit · resets Jan 2, 8am", "2027-01-02T08:00+01:00"),
        ("Claude AI usage limit reached|1795270000", "2026-11-21T15:06:40+01:00"),
        ("resets in 2 hours", "2026-11-21T16:30+01:00"),
        ("resets in 15m", "2026-11-21T14:45+01:00"),
    ],
)
def test_the_next_time_that_fits_is_meant(text: str, wanted: str) -> None:
    assert limit_end(text, NOW) == datetime.fromisoformat(wanted)


@pytest.mark.parametrize(
    "text",
    ["", "rate limited", "resets 30pm", "resets Foo 3 at 9am", "resets Feb 31 at 9am", "resets 3"],
)
def test_without_a_time_none_is_made_up(text: str) -> None:
    assert limit_end(text, NOW) is None
