"""`worker-manager diff`."""

from __future__ import annotations

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import worker_argument
from worker_manager.cli.declaration import make_command
from worker_manager.cli.terminal.output import emit
from worker_manager.cli.terminal.spinner import busy

_EXAMPLE = """\
worker-manager diff 3f2a
worker-manager diff --stat 3f2a"""


@make_command("diff", example=_EXAMPLE, result="Shown")
@worker_argument
@click.option("--stat", is_flag=True, help="How much in which files, of what is committed.")
def command(reference: str, stat: bool, as_json: bool) -> None:
    """Show what a worker changed since its base, committed or not, without ignored files.

    Control characters are left out: to apply a change, use git in its branch.
    """
    fleet, worker = targets.worker(reference)

    from worker_manager.cli.results import Shown
    from worker_manager.cli.terminal import diffs

    with busy("comparing"):
        text = diffs.changes(fleet, worker, stat=stat)
    if as_json:
        emit(Shown(worker.id, worker.status.value, text))
    elif text:
        diffs.show(text)
    else:
        click.echo(f"{worker.name} has changed nothing.")
