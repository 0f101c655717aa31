"""FileChanged: the doorbell. Its text, written to stderr with exit code 2, wakes the session."""

from worker_manager.hooks import delivery, protocol
from worker_manager.state.layout import state_root
from worker_manager.state.mail import waits
from worker_manager.text.output import say

WAKE = 2


def run() -> int:
    """Wakes the session with its mail; silent when another hook was faster, or when a call
    waits for it: the text would only come when that call ends.
    """
    home = protocol.home()
    if home is None or not protocol.is_interactive() or _is_left_to_a_call(home):
        return 0
    shown = delivery.take(home)
    if shown is None:
        return 0
    say(shown.text, is_error=True)
    shown.acknowledge()
    return WAKE


def _is_left_to_a_call(home: str) -> bool:
    """Not in an idle session: it listens no more to a call that has not come back."""
    return waits.is_waited(home) and not _is_idle()


def _is_idle() -> bool:
    from worker_manager.agents.claude import session_files
    from worker_manager.hooks.session_process import claude_process

    claude = claude_process(state_root())
    return claude is not None and session_files.status(claude) in session_files.AT_PROMPT
