"""The dialogs that stand open at a worker's terminal: `requests/<message id>` in its home, one
file for each. A hook waits for the answer; when it has ended, only the person can give one.
"""

import json
import os
from contextlib import suppress
from typing import Any, NamedTuple

from worker_manager.domain.identifiers import digest
from worker_manager.state import process_identity
from worker_manager.state.files import make_private, write_atomic
from worker_manager.state.layout import REQUESTS

#: What an AskUserQuestion has in its input only once it was answered.
ANSWERS = ("answers", "annotations")


class Request(NamedTuple):
    """One dialog. `id` is that of the message that tells of it, `call` what tells its tool call
    from others, `agent` the subagent's id or empty, `process` the hook that waits, `questions`
    the texts and labels of an AskUserQuestion, empty for a permission. `end` stands at the end of a
    text that is too long to be shown whole: whoever knows it has had all of it before them.
    """

    id: str
    process: str
    tool: str
    call: str
    agent: str
    reason: str
    questions: list[dict[str, Any]]
    end: str = ""

    @property
    def is_waited_for(self) -> bool:
        """Whether its hook still takes an answer."""
        return not process_identity.has_ended(self.process)


def call_of(tool: str, tool_input: object) -> str:
    """What tells a tool call from others. To the input of an AskUserQuestion the person's answers
    are added: they are left out.
    """
    if isinstance(tool_input, dict):
        tool_input = {key: tool_input[key] for key in tool_input if key not in ANSWERS}
    content = json.dumps([tool, tool_input], sort_keys=True)
    return digest(content.encode("utf-8", "replace"))


def note(home: str, request: Request) -> None:
    """From now on it stands open."""
    make_private(os.path.join(home, REQUESTS))
    write_atomic(_path(home, request.id), json.dumps(request._asdict()).encode())


def forget(home: str, request_id: str) -> None:
    """It stands open no more."""
    with suppress(FileNotFoundError):
        os.unlink(_path(home, request_id))


def is_open(home: str, request_id: str) -> bool:
    """Whether it stands open."""
    return os.path.exists(_path(home, request_id))


def all_open(home: str) -> list[Request]:
    """Oldest first; what can't be read is left out."""
    folder = f"{home}/{REQUESTS}"
    if not os.access(folder, os.F_OK):  # of nearly all: a quarter of what a failed listing takes
        return []
    names = os.listdir(folder)
    found = []
    for name in names:
        with suppress(OSError, ValueError, TypeError):
            path = _path(home, name)
            with open(path, encoding="utf-8") as file:
                found.append((os.stat(path).st_mtime_ns, Request(**json.load(file))))
    return [request for _, request in sorted(found, key=lambda pair: pair[0])]


def _path(home: str, request_id: str) -> str:
    return os.path.join(home, REQUESTS, request_id)
