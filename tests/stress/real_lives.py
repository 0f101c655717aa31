"""Lives of real Claude Code sessions, against the scripted API, in a throw-away home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.claude.claude_cli import find_cli
from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import CREW
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import OK, Answer, Failure, call, say

#: What the terminal of one that works without end shows.
AT_WORK = "sleep 1"
WORK = call("Bash", command=f"while :; do {AT_WORK}; done", description="Work")
DONE = call(f"{CREW}complete", summary="done")
TOUCH = call("Bash", command="touch allowed", description="Touch")
CHOOSE = call(
    "AskUserQuestion",
    questions=[
        {
            "question": "Which colour?",
            "header": "Colour",
            "multiSelect": False,
            "options": [
                {"label": "Red", "description": "warm"},
                {"label": "Blue", "description": "cold"},
            ],
        }
    ],
)
LIMIT = Failure(429, "You have hit your limit, it resets in 1m", {"x-should-retry": "false"})


class _Script(NamedTuple):
    """What the model says, one after the other, and what must be seen and heard of it."""

    name: str
    says: tuple[Answer, ...]
    deeds: tuple[str, ...]
    letters: tuple[str, ...]
    statuses: tuple[str, ...]
    permission_mode: str = "bypassPermissions"


_SCRIPTS = (
    _Script("completes", (DONE,), (), ("completion",), ("running", "completed")),
    _Script(
        "asks",
        (call(f"{CREW}ask", question="which?"), DONE),
        ("answer",),
        ("question", "completion"),
        ("asking", "completed"),
    ),
    _Script("says nothing", (say("I wait."),) * 3, (), ("stalled",), ("running",)),
    _Script("is killed", (WORK,), ("kill",), ("failed",), ("running", "failed")),
    _Script("is interrupted", (WORK,), ("press Escape",), ("stalled",), ("running",)),
    _Script(
        "wants a permission",
        (TOUCH, DONE),
        ("allow",),
        ("permission", "completion"),
        ("blocked", "completed"),
        "default",
    ),
    _Script(
        "asks its user",
        (CHOOSE, DONE),
        ("choose",),
        ("question", "completion"),
        ("asking", "completed"),
    ),
    _Script("meets a limit", (LIMIT, DONE), (), ("limit", "completion"), ("blocked", "completed")),
    _Script("meets an overload", (Failure(529), DONE), (), ("completion",), ("completed",)),
    _Script(
        "is restored at once",
        (DONE,),
        ("stop", "restore"),
        ("completion",),
        ("running", "stopped", "completed"),
    ),
    _Script(
        "is restored",
        (WORK, DONE),
        ("see it work", "stop", "restore"),
        ("completion",),
        ("running", "stopped", "completed"),
    ),
)


@contextmanager
def laboratory(version: str) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """A trusted repository and the fields of the lives; this process has the lab's environment
    meanwhile, for a worker gets that of who starts it.
    """
    former = dict(os.environ)
    with MessagesApi() as api, ClaudeLab(find_cli(version), api.url) as lab:
        os.environ.update(lab.env)
        try:
            yield lab.repository, [_fields(api, script) for script in _SCRIPTS]
        finally:
            os.environ.clear()
            os.environ.update(former)


def _fields(api: MessagesApi, script: _Script) -> dict[str, Any]:
    marker = f"REAL <{script.name}>"
    api.name_session(script.name, first_prompt=marker)
    api.on(script.name, "Delivered to your orchestrator", OK, repeat=True)
    for answer in script.says:
        api.on(script.name, "", answer)
    # As a model does whose call failed, for a server that was slow.
    api.on(script.name, "No such tool", script.says[-1], repeat=True)
    fields = script._asdict()
    del fields["says"]
    return {**fields, "task": marker, "agent": "claude"}
