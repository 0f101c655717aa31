"""Our hooks in Codex, and whether the person has trusted them: Codex runs a hook only after they
have reviewed it in a dialog of its own. Then sessions get it by a flag. What it is told and answers
has the names and shapes of Claude Code's, so that `hooks/` decides as it is.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import threading
from contextlib import suppress
from typing import Any

from worker_manager.agents.codex import program, rollouts
from worker_manager.agents.codex.toml import written
from worker_manager.errors import WorkerManagerError

#: Letters in the middle of a turn, and permissions that wait for `answer_worker`: that as long as
#: the setting may say, and a minute.
EVENTS = {"PermissionRequest": 86_460, "PostToolUse": 60}
#: By which a hook knows whose session it runs in: Codex tells it no id of ours.
VARIABLE = "WORKER_MANAGER_HOOKED"
#: The same for each worker and version, so that it is reviewed once. It runs what has launched the
#: worker; in any other session nothing. Our hooks look for their session where Claude Code says it.
_COMMAND = (
    f'test -z "${VARIABLE}" || CLAUDE_CODE_SESSION_ID="${VARIABLE}" '
    'exec "$WORKER_MANAGER_PYTHON" -I -m worker_manager --hook '
)
#: Where Codex notes what was trusted of a session's flags.
_NOTED = "<session-flags>"
#: It takes half a second.
SECONDS = 20.0


def flag() -> str:
    """What gives them to a session, behind `-c`."""
    table = {
        event: [{"hooks": [{"type": "command", "command": _COMMAND + event, "timeout": seconds}]}]
        for event, seconds in EVENTS.items()
    }
    return f"hooks={written(table)}"


def review_command() -> str:
    """What a person types to review them, once."""
    return shlex.join(["codex", "-c", flag()])


def are_trusted(codex: program.Program, directory: str) -> bool:
    """Whether the person has trusted exactly these: else Codex would ask in each session."""
    if not (_may_be_trusted() and os.path.isdir(directory)):
        return False
    try:
        found = _listed(codex, directory)
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired):
        return False
    ours = {one.get("command"): one.get("trustStatus") for one in found}
    return all(ours.get(_COMMAND + event) == "trusted" for event in EVENTS)


def are_known_here(directory: str) -> bool | None:
    """The same of the installed Codex; None when it can't be asked."""
    with suppress(WorkerManagerError):
        return are_trusted(program.usable(), directory)
    return None


def _may_be_trusted() -> bool:
    """A look at the person's settings: mostly there is nothing to ask for."""
    try:
        with open(os.path.join(rollouts.codex_home(), "config.toml"), encoding="utf-8") as file:
            return _NOTED in file.read()
    except (OSError, ValueError):
        return False


def _listed(codex: program.Program, directory: str) -> list[dict[str, Any]]:
    """The hooks that a session there would have, as Codex lists them."""
    client = {"clientInfo": {"name": "worker-manager", "version": "1"}}
    asked = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "initialized"},
        {"id": 2, "method": "hooks/list", "params": {"cwds": [directory]}},
    ]
    with subprocess.Popen(
        [codex.path, "app-server", "-c", flag()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ) as server:
        assert server.stdin is not None  # noqa: S101  they are pipes
        assert server.stdout is not None  # noqa: S101
        killer = _after(SECONDS, server)
        try:
            server.stdin.write("".join(f"{json.dumps(one)}\n" for one in asked))
            server.stdin.flush()
            for line in server.stdout:
                answer = json.loads(line)
                if answer.get("id") == 2:
                    listed: list[dict[str, Any]] = answer["result"]["data"][0]["hooks"]
                    return listed
        finally:
            server.kill()
            killer.cancel()
    return []


def _after(seconds: float, server: subprocess.Popen[str]) -> threading.Timer:
    """Ends a server that hangs."""
    timer = threading.Timer(seconds, server.kill)
    timer.daemon = True
    timer.start()
    return timer
