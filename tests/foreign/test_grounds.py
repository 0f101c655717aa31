"""Each row of the table, with each life."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.foreign.life import live, play
from tests.foreign.rows import Row
from tests.foreign.table import ROWS, lives_in_ci


def _cases() -> list[object]:
    found = []
    for row in ROWS:
        for life in lives_in_ci(row):
            fault = row.fault(life)
            marks = [pytest.mark.xfail(strict=True, reason=fault)] if fault else []
            found.append(pytest.param(row, life, id=f"{row.name}-{life}", marks=marks))
    return found


@pytest.mark.parametrize(("row", "life"), _cases())
def test_nothing_is_lost_broken_or_left(
    row: Row, life: str, tmp_path: Path, tmux_socket: str
) -> None:
    if not row.needs():
        pytest.skip("not with this git")
    live(row, life, tmp_path, tmux_socket)


@pytest.mark.parametrize("name", ["plain", "bare with worktrees", "partial", "signed", "odd path"])
def test_a_worker_that_is_a_program_lives_there_too(
    name: str, tmp_path: Path, tmux_socket: str
) -> None:
    (row,) = (one for one in ROWS if one.name == name)

    play(row, tmp_path, tmux_socket)
