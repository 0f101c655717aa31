"""FileChanged: the doorbell. Its text, written to stderr with exit code 2, wakes the session."""

import sys

from worker_manager.hooks import call, mail

WAKE = 2


def run() -> int:
    """Wakes the session with its mail; silent when another hook was faster."""
    home = call.home()
    shown = mail.take(home) if home and call.is_interactive() else None
    if shown is None:
        return 0
    sys.stderr.write(shown.text)
    sys.stderr.flush()
    shown.acknowledge()
    return WAKE
