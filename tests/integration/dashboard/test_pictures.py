"""The README's picture shows what the program shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import pictures
from tests.conftest import CHECKOUT


@pytest.mark.anyio
async def test_the_readmes_picture_is_not_stale(tmp_path: Path) -> None:
    """Else: python -m tests.pictures."""
    kept = (CHECKOUT / "docs" / "pictures" / "watch.svg").read_text("utf-8")

    taken = await pictures.take(tmp_path, pictures.SIZES["watch"], is_light=False)

    shown = pictures.structure_of(taken)
    assert "asking" in shown
    assert shown == pictures.structure_of(kept)
    assert "url(http" not in kept


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_all_of_it_is_there_at_common_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    svg = await pictures.take(tmp_path, size, is_light=True)

    for word in ("asking", "blocked", "queued", "merged", "$", "Attach", "Quit", "terminal"):
        assert word in svg
