"""Rows of the table at once: some each time here, many in `python -m tests.stress foreign`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.foreign.life import Impossible, live
from tests.foreign.rows import LIVES, Row
from tests.foreign.table import compositions


@given(compositions(), st.sampled_from(LIVES))
@settings(
    max_examples=8,
    derandomize=True,
    database=None,
)
def test_two_or_three_at_once(tmux_socket: str, row: Row, life: str) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            live(row, life, Path(folder).resolve(), tmux_socket, must_refuse=False)
        except Impossible:
            reject()
