"""Is the terminal's background light? Asked before the view takes the terminal over."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty

#: A terminal that knows the question answers within milliseconds, over a slow line somewhat later.
WAIT_SECONDS = 0.3
#: What is the background? And a question to which every terminal has an answer.
_QUESTIONS = b"\x1b]11;?\x07\x1b[c"
_COLOUR = re.compile(rb"\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
_LAST = re.compile(rb"\x1b\[\?[0-9;]*c")


def is_light() -> bool:
    """False, too, when the terminal doesn't tell."""
    told = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    if told.isdigit():
        return int(told) in (7, 15)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        return _is_bright(_ask(sys.stdin.fileno(), sys.stdout.fileno()))
    except (OSError, termios.error):
        return False


def _ask(given: int, taken: int) -> bytes:
    """What the terminal answers; it is left as it was."""
    before = termios.tcgetattr(given)
    answer = b""
    try:
        tty.setcbreak(given)
        os.write(taken, _QUESTIONS)
        deadline = time.monotonic() + WAIT_SECONDS
        while not _LAST.search(answer) and (left := deadline - time.monotonic()) > 0:
            if select.select([given], [], [], left)[0]:
                answer += os.read(given, 1024)
    finally:
        termios.tcsetattr(given, termios.TCSAFLUSH, before)
    return answer


def _is_bright(answer: bytes) -> bool:
    found = _COLOUR.search(answer)
    if not found:
        return False
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return bool(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)
