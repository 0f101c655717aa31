"""The stress command, a small dose of it: `python -m tests.stress` is the whole."""

from pathlib import Path

import pytest

from tests.stress import parts
from tests.stress.lives import lives
from tests.stress.tally import Tally


@pytest.mark.promise("mail-crash", "mail-once", "mail-whole")
@pytest.mark.parametrize(
    ("part", "dose"),
    [
        ("completions", {"rounds": 1}),
        ("crowd", {"writers": 8, "readers": 4, "messages": 800}),
        ("killed_hooks", {"kills": 25}),
        ("killed_tmux", {"workers": 3}),
    ],
)
def test_nothing_is_lost(tmp_path: Path, tmux_socket: str, part: str, dose: dict[str, int]) -> None:
    tally: Tally = getattr(parts, part)(tmp_path, tmux_socket, **dose)

    assert tally.is_clean, str(tally)
    assert tally.sent


@pytest.mark.promise("environment-crowd")
def test_workers_that_start_at_once_all_get_their_worktrees(
    tmp_path: Path, tmux_socket: str
) -> None:
    tally = parts.starts(tmp_path, tmux_socket, workers=8, rounds=1)

    assert tally.is_clean, str(tally)
    assert len(tally.sent) == 8


@pytest.mark.promise("state-agrees")
def test_what_is_heard_of_workers_is_what_happened_to_them(
    tmp_path: Path, tmux_socket: str
) -> None:
    tally = lives(tmp_path, tmux_socket, workers=9, late=1)

    assert tally.is_clean, str(tally)


def test_a_tally_sees_each_fault() -> None:
    tally = Tally(sent={"m1": "one", "m2": "two", "m3": "three"})
    tally.see("m1", "one", repeat=False)
    tally.see("m1", "one", repeat=False)
    tally.see("m2", "tw", repeat=False)
    tally.check_order([("s", "m2"), ("s", "m1")])

    assert (tally.lost, tally.torn, tally.unmarked, tally.disordered) == (1, 1, 1, 1)
    assert not tally.is_clean
