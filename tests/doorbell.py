"""How long a letter takes to wake an idle session of the real Claude Code, beside a hook that does
nothing but wake it.

python -m tests.doorbell [VERSION]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.conftest import CLAUDE_VERSIONS
from tests.conftest import CHECKOUT
from tests.support.claude.claude_cli import find_cli
from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.claude_session import Session
from tests.support.claude.crew import AUTONOMOUS, home_of, start_boss
from tests.support.claude.messages_api import MessagesApi
from worker_manager.domain import identifiers
from worker_manager.domain.message import Message
from worker_manager.state.mail.mailbox import Mailbox

ROUNDS = 10
Deliver = Callable[[str], None]


def main() -> int:
    """0; prints the two medians and their difference, in milliseconds."""
    version = sys.argv[1] if len(sys.argv) > 1 else CLAUDE_VERSIONS[-1]
    ours = _measure(version, _ours)
    bare = _measure(version, _bare)
    sys.stdout.write(
        f"Claude Code {version}: ours {ours * 1000:.0f} ms, a bare hook {bare * 1000:.0f} ms, "
        f"difference {(ours - bare) * 1000:.0f} ms\n"
    )
    return 0


def _measure(version: str, begin: Callable[[ClaudeLab], tuple[Session, Deliver]]) -> float:
    """From the file's appearance to the request that holds it."""
    with MessagesApi() as api, ClaudeLab(find_cli(version), api.url) as lab:
        session, deliver = begin(lab)
        took = []
        for number in range(ROUNDS):
            session.wait_for_status("idle")
            time.sleep(1)
            start = time.time()
            deliver(f"LETTER-{number}.")
            took.append(api.wait_for_request(None, rf"LETTER-{number}\.").arrived - start)
        return statistics.median(took)


def _ours(lab: ClaudeLab) -> tuple[Session, Deliver]:
    lab.env["WORKER_MANAGER_PYTHON"] = sys.executable
    lab.install_plugin(CHECKOUT)
    session = start_boss(lab)
    mailbox = Mailbox(str(home_of(lab, session.session_id).resolve() / "mail"))

    def deliver(text: str) -> None:
        letter = identifiers.new_message_id()
        mailbox.deliver(
            Message(id=letter, type="test", sender="0" * 8, name="n", sent="now", body=text)
        )

    return session, deliver


def _bare(lab: ClaudeLab) -> tuple[Session, Deliver]:
    inbox = lab.root / "inbox"
    inbox.mkdir()
    watch = {"hookEventName": "SessionStart", "watchPaths": [str(inbox)]}
    say = f"printf '%s' '{json.dumps({'hookSpecificOutput': watch})}'"
    wake = f'set -- {inbox}/*; [ -e "$1" ] || exit 0; cat "$@" >&2; rm -f "$@"; exit 2'
    hooks = {
        "SessionStart": [{"hooks": [{"type": "command", "command": say}]}],
        "FileChanged": [{"hooks": [{"type": "command", "command": wake, "asyncRewake": True}]}],
    }
    _, permission_mode, _, settings = AUTONOMOUS
    chosen = json.dumps({**json.loads(settings), "hooks": hooks})
    arguments = ("--permission-mode", permission_mode, "--settings", chosen)
    session = lab.start(*arguments, prompt="BOSS hello")
    session.wait_for_first_turn()

    def deliver(text: str) -> None:
        aside = Path(lab.root, "letter")
        aside.write_text(text, "utf-8")
        os.rename(aside, inbox / identifiers.new_message_id())

    return session, deliver


if __name__ == "__main__":
    sys.exit(main())
