"""Claude Code's prompt on its screen: the box between two rules, with the cursor in it.

As 2.1.197 and 2.1.329 draw it, seen. Whatever looks different is no prompt.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from worker_manager.domain.screen import Screen

_RULE = "─" * 10
#: The arrow and a no-break space, unlike the arrow of a dialog. Shell mode has another sign.
_SIGN = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}\xa0"
_STYLE = re.compile(r"\x1b\[([0-9;]*)m")
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()].|\][^\x1b\x07]*(?:\x07|\x1b\\))")


class _Part(NamedTuple):
    text: str
    is_dim: bool
    is_inverse: bool


def draft(screen: Screen) -> str | None:
    """What a person has written there: empty only when it is certain that nothing was; None
    when no prompt waits for input. What is dim is Claude Code's own: an example, a suggestion.
    """
    plain = [_ESCAPE.sub("", line) for line in screen.lines]
    rules = [number for number, line in enumerate(plain) if line.startswith(_RULE)]
    column, row = screen.cursor
    box = next(((a, b) for a, b in pairwise(rules) if a < row < b), None)
    if box is None or not plain[box[0] + 1].startswith(_SIGN):
        return None
    written = "\n".join(map(_written, screen.lines[box[0] + 1 : box[1]]))
    is_at_start = (column, row) == (len(_SIGN), box[0] + 1)
    return written[len(_SIGN) :].rstrip() or ("" if is_at_start else " ")


def _written(line: str) -> str:
    """The line without what is dim, and without the cursor on the first letter of that."""
    parts = [part for part in _parts(line) if part.text]
    followed = zip(parts, [*parts[1:], None], strict=True)
    return "".join(
        part.text
        for part, after in followed
        if not (part.is_dim or (part.is_inverse and after and after.is_dim))
    )


def _parts(line: str) -> Iterator[_Part]:
    styles: set[str] = set()
    for number, part in enumerate(_STYLE.split(line)):
        if number % 2:
            _apply(part, styles)
        else:
            yield _Part(_ESCAPE.sub("", part), "2" in styles, "7" in styles)


def _apply(codes: str, styles: set[str]) -> None:
    given = iter(codes.split(";"))
    for code in given:
        if code in ("38", "48"):  # a colour: what follows are its numbers
            for _ in range(1 if next(given, "") == "5" else 3):
                next(given, "")
        elif code in ("", "0"):
            styles.clear()
        elif code in ("22", "27"):
            styles.discard(code[1])
        else:
            styles.add(code)
