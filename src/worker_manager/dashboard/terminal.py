"""A worker's terminal with its colours, and nothing else of what it wrote there."""

import re

from rich.style import Style
from rich.text import Span, Text

from worker_manager.text.rendering import clean

#: Colours and weight: all that a terminal's picture needs.
_STYLE = re.compile(r"(\x1b\[[0-9;]*m)")


def coloured(line: str) -> Text:
    """A line of `capture-pane -e`."""
    pieces = _STYLE.split(line)
    kept = "".join(piece if place % 2 else clean(piece) for place, piece in enumerate(pieces))
    text = Text.from_ansi(kept, no_wrap=True, end="")
    text.spans = [_on_our_ground(span) for span in text.spans]
    return text


def plain(text: str) -> list[Text]:
    """The lines of a text, whatever it holds."""
    lines = clean(text).expandtabs(4).split("\n")
    return [Text(line, end="") for line in lines]


def _on_our_ground(span: Span) -> Span:
    """Where it has the terminal's own colours it has ours, not those of a third one."""
    style = span.style
    if isinstance(style, str):
        return span
    own = [None if one is None or one.is_default else one for one in (style.color, style.bgcolor)]
    return Span(span.start, span.end, style.without_color + Style.from_color(*own))
