"""Open dialogs of a worker's terminal: one file each, `requests/<message id>` in its home. A hook
waits for the answer; once the hook has ended, only the person can answer.
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
    """An open dialog. `id`: of the message about it; `call`: identifies its tool call; `agent`: the
    subagent's id or empty; `process`: identity of the waiting hook; `questions`: texts and labels
    of an AskUserQuestion, empty for a permission; `end`: the end of a text too long to be shown
    whole: a caller who quotes it has read all of it.
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
        """True if its hook still takes an answer."""
        return not process_identity.has_ended(self.process)


def call_of(tool: str, tool_input: object) -> str:
    """Returns a digest that identifies a tool call. The answers that a person adds to the input of
    an AskUserQuestion are left out.
    """
    if isinstance(tool_input, dict):
        tool_input = {key: tool_input[key] for key in tool_input if key not in ANSWERS}
    content = json.dumps([tool, tool_input], sort_keys=True)
    return digest(content.encode("utf-8", "replace"))


def note(home: str, request: Request) -> None:
    """Records that the dialog is open."""
    make_private(os.path.join(home, REQUESTS))
    write_atomic(_path(home, request.id), json.dumps(request._asdict()).encode())


def forget(home: str, request_id: str) -> None:
    """Records that the dialog is closed. Idempotent."""
    with suppress(FileNotFoundError):
        os.unlink(_path(home, request_id))


def is_open(home: str, request_id: str) -> bool:
    """Returns True if the dialog is open."""
    return os.path.exists(_path(home, request_id))


def all_open(home: str) -> list[Request]:
    """Returns the open dialogs, oldest first; unreadable ones are left out."""
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
