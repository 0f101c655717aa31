"""`worker-manager attach`."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from worker_manager.cli import targets
from worker_manager.cli.arguments import worker_argument
from worker_manager.cli.declaration import make_command
from worker_manager.cli.requirements import require_tmux
from worker_manager.cli.terminal import prompts
from worker_manager.cli.terminal.output import emit
from worker_manager.errors import InvalidInput

if TYPE_CHECKING:
    from worker_manager.domain.worker import Worker


@make_command("attach", example="worker-manager attach 3f2a", result="Command")
@worker_argument
def command(reference: str, as_json: bool) -> None:
    """Go to a worker's terminal. Leave it with Ctrl-b d; the worker goes on.

    Inside of tmux it opens as a window of yours, which Ctrl-b Ctrl-b d closes when Ctrl-b is your
    own prefix, too; in our own tmux the client switches to it.
    """
    require_tmux()
    fleet, worker = targets.worker(reference)
    there = fleet.attach_command(worker)
    if as_json:
        from worker_manager.cli.results import Command

        emit(Command(worker.id, there))
        return
    if not fleet.has_terminal(worker):
        raise InvalidInput(
            f"{worker.name} is {worker.status.value} and has no terminal now. What it did: "
            f"worker-manager logs {worker.id}; worker-manager restore {worker.id} goes on with it."
        )
    if not prompts.can_ask():
        raise InvalidInput(
            f"attach needs a terminal, and this is none. In one: {shlex.join(there)}"
        )
    _go(worker, there)


def _go(worker: Worker, there: list[str]) -> None:
    from worker_manager.runtimes.tmux import client

    if client.is_in_tmux() and not client.show_in_tmux(worker, there):
        return
    # Outside of tmux; or tmux takes no order from here, and then one inside of the other serves.
    for name in client.OF_A_PANE:
        os.environ.pop(name, None)
    os.execvp(there[0], there)
