"""Screens of Claude Code, as tmux's `capture-pane -p -e` gave them, and the cursor with each."""

from worker_manager.domain.screen import Screen

RULE = f"\x1b[38;5;244m{'─' * 150}"
END = f"\x1b[0m\x1b[38;5;244m\x1b[49m{'─' * 150}"
FOOT = "\x1b[39m  \x1b[38;5;211m⏵⏵\x1b[39m \x1b[38;5;211mbypass\x1b[39m \x1b[38;5;246m(shift+tab)"


def box(*lines: str, cursor: tuple[int, int]) -> Screen:
    """A prompt box with these lines below an answer; the cursor counts from the box on."""
    above = ("\x1b[48;5;237m\u276f hello", "\x1b[38;5;231m\x1b[49m●\x1b[39m ok", "", RULE)
    column, row = cursor
    return Screen((*above, *lines, END, FOOT), (column, len(above) + row), False)


EMPTY = box("\x1b[39m\u276f\xa0\x1b[7m \x1b[0m\x1b[39m\x1b[49m", cursor=(2, 0))
FRESH = box("\x1b[39m\u276f\xa0\x1b[7m", cursor=(2, 0))
EXAMPLE = box(
    "\x1b[39m\u276f\xa0\x1b[7mT\x1b[0;2m\x1b[39m\x1b[49mry\x1b[0m\x1b[39m\x1b[49m "
    '\x1b[2m"how\x1b[0m\x1b[39m\x1b[49m \x1b[2mdoes\x1b[0m\x1b[39m\x1b[49m \x1b[2mit work?"',
    cursor=(2, 0),
)
SUGGESTION = box(
    "\x1b[39m\u276f\xa0\x1b[7mr\x1b[0;2m\x1b[39m\x1b[49mun the tests\x1b[0m\x1b[39m\x1b[49m",
    cursor=(2, 0),
)
DRAFT = box("\x1b[39m\u276f\xa0my draft\x1b[7m \x1b[0m\x1b[39m\x1b[49m", cursor=(10, 0))
DRAFT_FROM_ITS_START = box(
    "\x1b[39m\u276f\xa0\x1b[7mm\x1b[0m\x1b[39m\x1b[49my draft", cursor=(2, 0)
)
DRAFT_OF_ONE_LETTER = box("\x1b[39m\u276f\xa0\x1b[7mx\x1b[0m\x1b[39m\x1b[49m", cursor=(2, 0))
DRAFT_OF_BLANKS = box("\x1b[39m\u276f\xa0   \x1b[7m \x1b[0m\x1b[39m\x1b[49m", cursor=(5, 0))
COLOURED_DRAFT = box("\x1b[39m\u276f\xa0\x1b[38;5;2m/clear\x1b[39m\x1b[7m \x1b[0m", cursor=(8, 0))
#: Made up: styles end in either way.
DRAFT_AMONG_HINTS = box(
    "\x1b[39m\u276f\xa0\x1b[2mhint\x1b[0ma\x1b[2mhint\x1b[22mb\x1b[7m \x1b[27m", cursor=(12, 0)
)
THREE_LINES = box(
    "\x1b[39m\u276f\xa0line one",
    "  line two",
    "  third\x1b[7m \x1b[0m\x1b[39m\x1b[49m",
    cursor=(7, 2),
)
SHELL_MODE = box("!\xa0\x1b[7m\x1b[39m \x1b[0m\x1b[39m\x1b[49m", cursor=(2, 0))
#: Ctrl-R: the prompt is drawn, but the keys go to a line below it.
HISTORY_SEARCH = box("\x1b[39m\u276f\xa0", cursor=(18, 2))
PERMISSION = Screen(
    (
        f"\x1b[38;5;153m{'─' * 150}",
        " \x1b[1mBash command",
        "   \x1b[39mtouch x",
        " Do you want to proceed?",
        " \x1b[38;5;153m\u276f\x1b[39m \x1b[38;5;246m1.\x1b[39m \x1b[38;5;153mYes",
        "   \x1b[38;5;246m2.\x1b[39m No",
        "",
        " \x1b[38;5;246mEsc to cancel · Tab to amend",
    ),
    (1, 4),
    False,
)
TRANSCRIPT = Screen(
    (
        "\x1b[48;5;237m\u276f \x1b[38;5;231mhello there\x1b[39m",
        "\x1b[38;5;231m●\x1b[39m ok",
        f"\x1b[2m\x1b[39m{'─' * 150}",
        "\x1b[0m\x1b[39m\x1b[49m  \x1b[38;5;246mShowing detailed transcript",
    ),
    (0, 4),
    False,
)
