"""Times and amounts for narrow columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from worker_manager.text.figures import age, amount


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (9_960, "10k"),
        (12_345, "12k"),
        (999_600, "1.0M"),
        (1_430_000, "1.4M"),
    ],
)
def test_a_number_is_short(number: int, shown: str) -> None:
    assert amount(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0s"), (59, "59s"), (60, "1m"), (7_300, "2h"), (200_000, "2d")]
)
def test_an_age_has_one_unit(seconds: int, shown: str) -> None:
    since = datetime.now(UTC) - timedelta(seconds=seconds)

    assert age(since.isoformat()) == shown
    assert age("") == age("nonsense") == ""
