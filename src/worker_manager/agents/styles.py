"""Lines of a screen with their styles (ANSI): what a program has drawn dim is its own, a hint or an
example; the rest was written.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_STYLE = re.compile(r"\x1b\[([0-9;]*)m")
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()].|\][^\x1b\x07]*(?:\x07|\x1b\\))")


class _Part(NamedTuple):
    text: str
    is_dim: bool
    is_inverse: bool


def plain(line: str) -> str:
    """The line without its styles."""
    return _ESCAPE.sub("", line)


def written(line: str) -> str:
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
            yield _Part(plain(part), "2" in styles, "7" in styles)


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
