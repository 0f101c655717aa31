"""Runs the hook of an event; whatever fails, the session goes on and the log has one line."""

import os
import sys
import time

from worker_manager.errors import ignoring
from worker_manager.state.layout import state_root

_MODULES = {
    "SessionStart": "session_start",
    "CwdChanged": "cwd_changed",
    "FileChanged": "file_changed",
    "UserPromptSubmit": "user_prompt_submit",
    "PreToolUse": "pre_tool_use",
    "PostToolUse": "post_tool_use",
    "PostToolUseFailure": "post_tool_use_failure",
    "PermissionRequest": "permission_request",
    "Stop": "stop",
    "StopFailure": "stop_failure",
    "Notification": "notification",
    "SessionEnd": "session_end",
}


def run(event: str) -> int:
    """The hook's exit code; 2 only where the hook itself means it."""
    if sys.flags.no_site:
        sys.path.append(_packages())
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


def _packages() -> str:
    """The environment's folder of packages. To have it found by `site` takes as long as all else;
    of its packages hooks use filelock, and that seldom.
    """
    environment = os.path.dirname(os.path.dirname(sys.executable))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return os.path.join(environment, "lib", version, "site-packages")


def _log(event: str, error: Exception) -> None:
    from worker_manager.errors import StateUnavailable
    from worker_manager.state.files import append, make_private

    folder = os.path.join(state_root(), "logs")
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    # No disk, no log; the session still must not suffer.
    with ignoring(OSError, StateUnavailable):
        make_private(folder)
        line = f"{stamp} {event}: {type(error).__name__}: {error}\n"
        append(os.path.join(folder, "hooks.log"), line)
