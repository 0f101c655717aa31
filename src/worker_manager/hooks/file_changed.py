"""FileChanged: the doorbell. Its text, written to stderr with exit code 2, wakes the session."""

import sys

from worker_manager.hooks import call, mail
from worker_manager.state import waits

WAKE = 2


def run() -> int:
    """Wakes the session with its mail; silent when another hook was faster, or when a call
    waits for it: the text would only come when that call ends.
    """
    home = call.home()
    if home is None or not call.is_interactive() or waits.is_waited(home):
        return 0
    shown = mail.take(home)
    if shown is None:
        return 0
    sys.stderr.write(shown.text)
    sys.stderr.flush()
    shown.acknowledge()
    return WAKE
