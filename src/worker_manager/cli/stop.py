"""`worker-manager stop`."""

from __future__ import annotations

import click

from worker_manager.cli import here
from worker_manager.cli.command import make_command
from worker_manager.cli.completing import some_workers
from worker_manager.cli.output import emit
from worker_manager.cli.progress import busy
from worker_manager.cli.words import for_people

_EXAMPLE = """\
worker-manager stop 3f2a
worker-manager stop --force 3f2a 77b0"""


@make_command("stop", example=_EXAMPLE, result="Stopped")
@some_workers
@click.option("--force", is_flag=True, help="Now, without asking it first.")
def command(references: tuple[str, ...], force: bool, as_json: bool) -> None:
    """End workers' sessions; each may finish its thought first. Branch and files stay, and what no
    commit holds is saved.
    """
    found = here.workers(references)

    from worker_manager import telling
    from worker_manager.cli.results import Ended, Stopped
    from worker_manager.snapshot import facts_of

    ended = []
    for fleet, worker in found:
        with busy(f"stopping {worker.name}"):
            after = fleet.stop(worker.id) if force else fleet.ask_to_stop(worker.id)
        ended.append(Ended(facts_of(fleet, after), after.saved))
        if not as_json:
            click.echo(for_people(telling.stopped(after)))
    if as_json:
        emit(Stopped(ended))
