"""The question whose answer an `ask` call of a worker's server waits for."""

import os
from _thread import allocate_lock  # hooks load this module; `threading` costs them more
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from worker_manager.errors import InvalidInput
from worker_manager.state import process_identity
from worker_manager.state.files import append, disk_errors, remove, write_atomic
from worker_manager.state.layout import WAITING

#: Calls of one server are threads.
_asking = allocate_lock()


@contextmanager
def waiting_for_answer(home: str) -> Iterator[Callable[[str], None]]:
    """Registers that an `ask` call waits; only one at a time may. Yields a function to be called
    with the question's id: from then on hooks leave its answer to the call. Raises InvalidInput
    when another call waits.
    """
    path = os.path.join(home, WAITING)
    with _asking:
        process, other = _read(home)
        if process and not process_identity.has_ended(process):
            raise InvalidInput(
                f"Your question {other or 'before this one'} still waits for its answer. "
                "Ask one thing at a time."
            )
        remove(path)  # of a call that was killed
        # Not synced: a power cut ends the process that waits.
        own = process_identity.identity(os.getpid())
        write_atomic(path, f"{own} ".encode(), durable=False)

    def note(question_id: str) -> None:
        # Added, not replaced: ext4 writes a file at once that takes the place of another one.
        with disk_errors(path):
            append(path, question_id)

    try:
        yield note
    finally:
        remove(path)


def waiting(home: str) -> str | None:
    """Returns the id of the question whose answer is awaited; empty while the call does not know it
    yet, None when no call waits.
    """
    process, question_id = _read(home)
    return question_id if process and not process_identity.has_ended(process) else None


def _read(home: str) -> tuple[str, str]:
    """Returns the identity of the waiting process and the question's id; both empty when no call
    waits.
    """
    try:
        with open(os.path.join(home, WAITING), encoding="utf-8") as file:
            process, _, question_id = file.read().partition(" ")
    except (OSError, ValueError):
        return "", ""
    # A power cut may have left half of it, or zeros: nobody waits then.
    return (process, question_id) if process_identity.is_identity(process) else ("", "")
