"""Claude Code's prompt on its screen: the box between two rules, with the cursor in it.

As 2.1.197 and 2.1.329 draw it, seen. Whatever looks different is no prompt.
"""

from itertools import pairwise

from worker_manager.agents.styles import plain, written
from worker_manager.domain.screen import Screen

_RULE = "─" * 10
#: The arrow and a no-break space, unlike the arrow of a dialog. Shell mode has another sign.
_SIGN = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}\xa0"


def draft(screen: Screen) -> str | None:
    """What a person has written there: empty only when it is certain that nothing was; None
    when no prompt waits for input. What is dim is Claude Code's own: an example, a suggestion.
    """
    lines = [plain(line) for line in screen.lines]
    rules = [number for number, line in enumerate(lines) if line.startswith(_RULE)]
    column, row = screen.cursor
    box = next(((a, b) for a, b in pairwise(rules) if a < row < b), None)
    if box is None or not lines[box[0] + 1].startswith(_SIGN):
        return None
    text = "\n".join(map(written, screen.lines[box[0] + 1 : box[1]]))
    is_at_start = (column, row) == (len(_SIGN), box[0] + 1)
    return text[len(_SIGN) :].rstrip() or ("" if is_at_start else " ")
