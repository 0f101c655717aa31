"""Runs the hook of an event; whatever fails, the session goes on and the log has one line."""

import os
import sys
import time

from worker_manager.state.layout import state_root

_MODULES = {
    "SessionStart": "session_start",
    "CwdChanged": "cwd_changed",
    "FileChanged": "file_changed",
    "UserPromptSubmit": "prompt",
    "PostToolUse": "tool",
    "Stop": "stop",
    "SessionEnd": "session_end",
}


def run(event: str) -> int:
    """The hook's exit code; 2 only where the hook itself means it."""
    try:
        module = _MODULES[event]
        hooks = __import__(f"worker_manager.hooks.{module}", fromlist=["run"])
        code = int(hooks.run())
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception as error:  # noqa: BLE001  a hook never hurts the session
        _log(event, error)
        return 0
    return code


def _log(event: str, error: Exception) -> None:
    try:
        folder = os.path.join(state_root(), "logs")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open(os.path.join(folder, "hooks.log"), "a", encoding="utf-8") as file:
            file.write(f"{stamp} {event}: {type(error).__name__}: {error}\n")
    except OSError:
        return  # no disk, no log; the session still must not suffer
