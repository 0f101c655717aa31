"""Arguments that a shell completes. Loads no more than the records' reader."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from worker_manager.cli import targets
from worker_manager.state.layout import repository_directory, state_root
from worker_manager.state.workers.records import Records
from worker_manager.text import rendering


def complete(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Ids and names of workers here that begin so: names once something of one is typed."""
    workers = Records(repository_directory(state_root(), targets.directory())).all()
    return [
        CompletionItem(word, help=f"{one.status.value}, {rendering.one_line(one.title)}")
        for one in workers
        for word in (one.id, one.name)
        if word.startswith(incomplete) and (incomplete or word == one.id)
    ]


worker_argument = click.argument("reference", metavar="WORKER", shell_complete=complete)
some_workers = click.argument(
    "references", metavar="WORKER...", nargs=-1, required=True, shell_complete=complete
)
any_workers = click.argument("references", metavar="[WORKER]...", nargs=-1, shell_complete=complete)
