"""What a hook was called with, and how it answers."""

import os
import sys

from worker_manager.state.layout import (
    REQUESTS,
    home_of_session,
    is_worker_home,
    mailbox_path,
    state_root,
)
from worker_manager.text.output import say

#: What may not stand in a JSON text as it is.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x20), ord('"'), ord("\\"))}


def stdin() -> dict[str, object]:
    """The JSON that Claude Code sent; empty when it sent none."""
    return parsed(given())


def given() -> str:
    """Returns stdin, decoded as UTF-8 whatever the locale is."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def parsed(content: str) -> dict[str, object]:
    """The JSON in what was sent. Raises ValueError."""
    import json  # a third of what Python itself takes; some hooks need no more than their event

    found = json.loads(content) if content.strip() else {}
    return found if isinstance(found, dict) else {}


def home() -> str | None:
    """The home of the session this hook runs in, or None: then it is none of ours."""
    return home_of_session(state_root(), os.environ.get("CLAUDE_CODE_SESSION_ID", ""))


def has_mail(home: str) -> bool:
    """Whether mail waits, was taken, or has its receipt outstanding: as hooks/look.sh looks."""
    box = mailbox_path(home)
    return any(_names(f"{box}/{folder}") for folder in ("new", "claimed", "pending"))


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def has_open_dialogs(home: str) -> bool:
    """Whether a worker's dialogs may be open: mostly none is, and nothing more is loaded."""
    folder = os.path.join(home, REQUESTS)
    return is_worker_home(home) and os.path.isdir(folder) and bool(os.listdir(folder))


def add_context(event: str, text: str, watch: str | None = None, to_person: str = "") -> None:
    """Gives the model `text`, Claude Code the mailbox to watch, and the screen a line."""
    output: dict[str, object] = {"hookEventName": event}
    if text:
        output["additionalContext"] = text
    if watch is not None and is_interactive():
        output["watchPaths"] = [os.path.join(mailbox_path(watch), "new")]
    answer: dict[str, object] = {"hookSpecificOutput": output} if len(output) > 1 else {}
    if to_person:
        answer["systemMessage"] = to_person
    if answer:
        _write(answer)


def block(reason: str) -> None:
    """Keeps the session from ending its turn; the model reads the reason."""
    _write({"decision": "block", "reason": reason})


def decide(decision: dict[str, object]) -> None:
    """Answers the dialog that this hook was called for."""
    _write({"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}})


def refuse(reason: str) -> None:
    """Keeps a tool from being used; the model reads the reason. This holds in every permission
    mode, bypassPermissions too.
    """
    output = {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": reason,
    }
    _write({"hookSpecificOutput": output})


def is_interactive() -> bool:
    """Whether a doorbell reaches the model: `claude -p` runs the hook and drops its text."""
    return os.environ.get("CLAUDE_CODE_ENTRYPOINT") == "cli"


def _write(answer: dict[str, object]) -> None:
    say(_json(answer))


def _json(value: object) -> str:
    """json.dumps for texts, lists and dicts without importing json, which takes long; other values
    do import it.
    """
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPED)}"'
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(key)}:{_json(one)}" for key, one in value.items()) + "}"
    import json

    return json.dumps(value)
