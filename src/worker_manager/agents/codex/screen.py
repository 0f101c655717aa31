"""What stands on Codex's screen: its prompt, or a dialog that waits. As 0.171.0 draws it."""

from worker_manager.agents.styles import plain, written
from worker_manager.domain.screen import Screen

_SIGN = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
#: Behind these a dialog shows what it asks about, and its choices.
_QUESTIONS = (
    "Would you like to run the following command?",
    "Would you like to make the following edits?",
    "MCP server to run tool",
    "Do you want to approve network access",
    "needs your approval",
)
_LAST_LINES = 40


def draft(screen: Screen) -> str | None:
    """As `Agent.draft`; the choice of a dialog has the same sign, and is a draft, too."""
    rows = [row for row, line in enumerate(screen.lines) if plain(line).startswith(_SIGN)]
    if not rows:
        return None
    column, row = screen.cursor
    text = written(screen.lines[rows[-1]])[len(_SIGN) :].rstrip()
    return text or ("" if (column, row) == (len(_SIGN), rows[-1]) else " ")


def dialog(screen: str) -> str:
    """What a dialog asks that stands on a screen at the end; empty when none does."""
    lines = screen.splitlines()[-_LAST_LINES:]
    found = [row for row, line in enumerate(lines) if any(one in line for one in _QUESTIONS)]
    if not found or not any(line.startswith(_SIGN + "1.") for line in lines[found[-1] :]):
        return ""
    return "\n".join(line.strip() for line in lines[found[-1] :])
