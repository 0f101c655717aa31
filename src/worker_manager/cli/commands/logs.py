"""`worker-manager logs`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import worker_argument
from worker_manager.cli.declaration import make_command
from worker_manager.cli.terminal.output import emit

if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet

LOOK_SECONDS = 0.5

_EXAMPLE = """\
worker-manager logs 3f2a
worker-manager logs --all 3f2a | grep -i error
worker-manager logs -f 3f2a"""


@make_command("logs", example=_EXAMPLE, result="Shown", is_stream=True)
@worker_argument
@click.option("--all", "from_beginning", is_flag=True, help="From its beginning.")
@click.option("-f", "--follow", is_flag=True, help="Go on until it has finished, or ^C.")
def command(reference: str, from_beginning: bool, follow: bool, as_json: bool) -> None:
    """Show what a worker did last, oldest first: what it said, the tools it used, and what happened
    to it.
    """
    fleet, worker = targets.worker(reference)

    from worker_manager.crew.supervision.background import BackgroundSupervisor
    from worker_manager.views import log

    cursor = log.BEGINNING if from_beginning else ""
    with BackgroundSupervisor(lambda: fleet.supervisor if follow else None):
        while True:
            cursor, more, is_finished = _show(fleet, worker.id, cursor, as_json=as_json)
            if not more and (is_finished or not follow):
                return
            if not more:
                time.sleep(LOOK_SECONDS)


def _show(fleet: Fleet, worker_id: str, cursor: str, *, as_json: bool) -> tuple[str, bool, bool]:
    """A portion; where the next one begins, whether there is more, whether it has finished."""
    from worker_manager.cli.results import Shown
    from worker_manager.views import inspection

    # Before the log is read: what it does last stands in there, too.
    is_finished = fleet.look_at(worker_id).finished
    view = inspection.look(fleet, worker_id, "log", cursor, inspection.MAX_BYTES)
    if as_json and (view.text or not cursor):
        emit(Shown(worker_id, view.worker.status.value, view.text))
    elif view.text:
        click.echo(view.text)
    return view.cursor, view.more, is_finished
