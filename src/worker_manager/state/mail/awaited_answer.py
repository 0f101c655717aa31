"""The question whose answer an `ask` call of a worker's server waits for."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from worker_manager.errors import InvalidInput
from worker_manager.state import process_identity
from worker_manager.state.files import write_atomic
from worker_manager.state.layout import WAITING


@contextmanager
def waiting_for_answer(home: str) -> Iterator[Callable[[str], None]]:
    """One call at a time asks and waits. What this gives is called with the question's id: from
    then on hooks leave the answer to it alone. Raises InvalidInput when another call waits.
    """
    process, other = _read(home)
    if process and not process_identity.has_ended(process):
        raise InvalidInput(
            f"Your question {other or 'before this one'} still waits for its answer. "
            "Ask one thing at a time."
        )

    def note(question_id: str) -> None:
        text = f"{process_identity.identity(os.getpid())} {question_id}"
        write_atomic(os.path.join(home, WAITING), text.encode())

    note("")
    try:
        yield note
    finally:
        with suppress(OSError):
            os.unlink(os.path.join(home, WAITING))


def waiting(home: str) -> str | None:
    """The id of the question; empty as long as the call that asks does not know it. None when no
    call waits.
    """
    process, question_id = _read(home)
    return question_id if process and not process_identity.has_ended(process) else None


def _read(home: str) -> tuple[str, str]:
    """The process that waits, and for the answer to which question."""
    try:
        with open(os.path.join(home, WAITING), encoding="utf-8") as file:
            process, _, question_id = file.read().partition(" ")
    except OSError:
        return "", ""
    return process, question_id
