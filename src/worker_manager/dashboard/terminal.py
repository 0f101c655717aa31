"""A worker's terminal with its colours, and nothing else of what it wrote there."""

import re

from rich.text import Text

from worker_manager.formatting import clean

#: Colours and weight: all that a terminal's picture needs.
_STYLE = re.compile(r"(\x1b\[[0-9;]*m)")


def coloured(line: str) -> Text:
    """A line of `capture-pane -e`."""
    pieces = _STYLE.split(line)
    kept = "".join(piece if place % 2 else clean(piece) for place, piece in enumerate(pieces))
    return Text.from_ansi(kept, no_wrap=True, end="")


def plain(text: str) -> list[Text]:
    """The lines of a text, whatever it holds."""
    lines = clean(text).expandtabs(4).split("\n")
    return [Text(line, end="") for line in lines]
