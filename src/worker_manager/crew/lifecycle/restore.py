"""What must be so before a worker's conversation goes on in a new session, and what it is told."""

from __future__ import annotations

import time

from worker_manager.crew.lifecycle.launch import TASK, has_conversation
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, RuntimeUnavailable, Text, step
from worker_manager.runtimes.base import Presence, Runtime
from worker_manager.state import sessions
from worker_manager.state.workers import launches

#: A session ends a second or two after its terminal.
ENDING_SECONDS = 15


def require_ended(worker: Worker, runtime: Runtime) -> None:
    """Raises InvalidInput when the worker waits or has a session, RuntimeUnavailable when nobody
    knows.
    """
    if worker.status is Status.QUEUED:
        raise InvalidInput(f"Worker {worker.id} is queued ({worker.reason}); it starts by itself.")
    presence = runtime.probe([worker.handle])[worker.handle]
    if presence is Presence.UNKNOWN:
        raise RuntimeUnavailable(
            f"tmux does not say whether worker {worker.id} has a session. Try again."
        )
    if presence is Presence.ALIVE:
        raise InvalidInput(
            Text(
                f"Worker {worker.id} has a session. Speak to it with ",
                step("nudge"),
                ", or end it with ",
                step("stop"),
                " first.",
            )
        )


def wait_for_end(root: str, worker: Worker, home: str) -> None:
    """Its former session ends a second or two after its terminal; two with one conversation
    would both write to it, and both report.
    """
    deadline = time.monotonic() + ENDING_SECONDS
    while sessions.attending(root, home):
        if time.monotonic() > deadline:
            raise InvalidInput(
                f"The former session of worker {worker.id} has not ended yet. Try again in a "
                "moment."
            )
        time.sleep(0.05)


def prompt_to_go_on(worker: Worker, home: str, text: str) -> str:
    """What a restored session is told; one without a conversation its task, too."""
    prompt = f"Your orchestrator has restored your session. {text or 'Go on.'}\n"
    if has_conversation(worker, home):
        return prompt
    return f"{launches.read_text(home, TASK)}\n{prompt}"
