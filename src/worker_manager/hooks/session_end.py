"""SessionEnd: a deliberate end stops the session's unfinished workers; any other leaves them."""

import sys

from worker_manager.hooks import protocol
from worker_manager.hooks.session_process import claude_process
from worker_manager.state import journal, sessions
from worker_manager.state.layout import is_worker_home, state_root

#: Claude Code's names for an end that the person chose.
DELIBERATE = ("prompt_input_exit", "logout")


def run() -> int:
    """Hands the slow work to a process of its own: this hook has 1.5 s."""
    home = protocol.home()
    if home is None:
        return 0
    reason = str(protocol.stdin().get("reason", ""))
    if is_worker_home(home):
        journal.note(home, "session ended", reason=reason)
    elif reason in DELIBERATE and not _others(home):
        import subprocess  # 4 ms

        command = [sys.executable, "-I", "-m", "worker_manager", "--end-session", home]
        quiet = subprocess.DEVNULL
        subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    return 0


def _others(home: str) -> list[int]:
    """Other claude processes that speak for this home: resumed a second time, it goes on."""
    root = state_root()
    return [pid for pid in sessions.attending(root, home) if pid != claude_process(root)]
