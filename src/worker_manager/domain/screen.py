"""Screen: what a terminal shows at this moment."""

from typing import NamedTuple


class Screen(NamedTuple):
    """What a terminal shows at this moment: its lines with their styles (ANSI), where its cursor
    is (column, line), and whether somebody scrolls in it.
    """

    lines: tuple[str, ...]
    cursor: tuple[int, int]
    is_scrolled: bool
