"""A gate before a terminal's program: it waits there until whoever opened the terminal lets it
through, or has died. A named pipe that is held open for writing: the kernel ends the waiting in
both cases, and nobody has to look again and again.
"""

import os
from collections.abc import Sequence
from contextlib import suppress

#: `$0` is the script, `$1` the pipe, the rest is what takes the terminal away. The pipe is opened
#: for writing, too, at first: so that waits for nobody, and reading ends at once when its holder
#: has gone already. Its name goes as soon as it is open: who is ended while it waits leaves none.
_WAITING = """\
exec 3<>"$1" 4<"$1" 3>&-
rm -f "$1"
shift
read -r _ <&4
[ -e "$0" ] && exec sh "$0" 4<&-
exec "$@" -t "$TMUX_PANE"
"""


class Gate:
    """One that is closed, at a path of its own. Raises OSError."""

    def __init__(self, path: str) -> None:
        self._path = path
        os.mkfifo(path, 0o600)
        self._held = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)

    def open(self) -> None:
        """Whoever waits, or comes later, goes on."""
        os.close(self._held)

    def remove(self) -> None:
        """Nobody will come, who would have removed it."""
        with suppress(OSError):
            os.unlink(self._path)

    def program(self, script: str, take_away: Sequence[str]) -> list[str]:
        """Waits, then becomes the shell script, if that is there; else takes its terminal away."""
        return ["sh", "-c", _WAITING, script, self._path, *take_away]
