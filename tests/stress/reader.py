"""One reader of the crowd: prints each text it was shown as a line of JSON, until there is a
stop file and nothing waits any more.

    python -m tests.stress.reader hook|tool HOME STOP SESSION
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.support.scripted.hooks import hook_command
from worker_manager.state.layout import mailbox_path
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.text import rendering


def main(kind: str, home: str, stop: str, session: str) -> None:
    """Reads and prints."""
    while True:
        is_last = os.path.exists(stop)
        text = hook(session) if kind == "hook" else tool(home)
        if text:
            sys.stdout.write(json.dumps(text) + "\n")
        elif is_last:
            return


def hook(session: str) -> str:
    """What a hook shows."""
    environment = {
        **os.environ,
        "WORKER_MANAGER_PYTHON": sys.executable,
        "CLAUDE_CODE_SESSION_ID": session,
    }
    command = hook_command("PostToolUse")
    done = subprocess.run(command, input=b"{}", capture_output=True, check=True, env=environment)
    if not done.stdout:
        return ""
    return str(json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"])


def tool(home: str) -> str:
    """What read_mail shows."""
    claim = Mailbox(mailbox_path(home)).claim(
        limit=20, budget=rendering.RESULT_LIMIT, cost=rendering.cost
    )
    if claim is None:
        return ""
    text = rendering.for_orchestrator(claim.messages, claim.files, claim.left)
    claim.acknowledge()
    return text


if __name__ == "__main__":
    main(*sys.argv[1:])
