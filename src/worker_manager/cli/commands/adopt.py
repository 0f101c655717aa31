"""`worker-manager adopt`."""

from __future__ import annotations

import shutil

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import any_workers
from worker_manager.cli.declaration import make_command
from worker_manager.cli.terminal import worker_table
from worker_manager.cli.terminal.output import emit
from worker_manager.cli.terminal.spinner import busy

_EXAMPLE = """\
worker-manager adopt
worker-manager adopt 3f2a"""


@make_command("adopt", example=_EXAMPLE, result="Workers", acts=True)
@any_workers
@click.option("--force", is_flag=True, help="From a session that runs, too: named ones only.")
def command(references: tuple[str, ...], force: bool, as_json: bool) -> None:
    """Take over workers of this repository, with their mail: those named, else all whose Claude
    session is gone. Their letters come to worker-manager mail from now on.
    """
    repository = targets.repository()
    named = [repository.find(reference).id for reference in references]

    from worker_manager.cli.results import Workers
    from worker_manager.views.facts import facts_of

    fleet = repository.own_fleet()
    with busy("adopting"):
        facts = [facts_of(fleet, worker) for worker in fleet.adopt(named, force=force)]
    if as_json:
        emit(Workers(facts))
    elif facts:
        click.echo(
            "\n".join(
                ["Yours now:", *worker_table.lines(facts, shutil.get_terminal_size().columns)]
            )
        )
    else:
        click.echo("There was none to adopt.")
