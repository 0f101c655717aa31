"""The question whose answer an `ask` call of a worker's server waits for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from worker_manager.errors import InvalidInput
from worker_manager.state import processes
from worker_manager.state.files import write_atomic

_WAITING = "waiting"


@contextmanager
def waiting_for(home: str, question_id: str) -> Iterator[None]:
    """While this is held, hooks leave the answer to this question to the call that waits.
    Raises InvalidInput when another call waits for the same worker.
    """
    other = waiting(home)
    if other:
        raise InvalidInput(
            f"Your question {other} still waits for its answer. Ask one thing at a time."
        )
    path = os.path.join(home, _WAITING)
    write_atomic(path, f"{processes.identity(os.getpid())} {question_id}".encode())
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(path)


def waiting(home: str) -> str:
    """The id of the question; empty when no call waits."""
    try:
        with open(os.path.join(home, _WAITING), encoding="utf-8") as file:
            process, _, question_id = file.read().partition(" ")
    except OSError:
        return ""
    return "" if processes.has_ended(process) else question_id
