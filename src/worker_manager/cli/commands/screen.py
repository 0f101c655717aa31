"""`worker-manager screen`."""

from __future__ import annotations

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import worker_argument
from worker_manager.cli.declaration import make_command
from worker_manager.cli.terminal.output import emit


@make_command("screen", example="worker-manager screen 3f2a", result="Shown")
@worker_argument
def command(reference: str, as_json: bool) -> None:
    """Show the last lines of a worker's terminal, or what it showed when it ended."""
    fleet, worker = targets.worker(reference)

    from worker_manager.cli.results import Shown
    from worker_manager.views import inspection

    view = inspection.look(fleet, worker.id, "screen", "", inspection.MAX_BYTES)
    if as_json:
        emit(Shown(worker.id, view.worker.status.value, view.text))
    else:
        click.echo(view.text or view.said)
