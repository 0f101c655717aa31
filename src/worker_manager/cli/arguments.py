"""Arguments that a shell completes."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from worker_manager.cli import completion


def complete(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Workers, as `completion` has them."""
    return [CompletionItem(word, help=meaning) for word, meaning in completion.workers(incomplete)]


worker_argument = click.argument("reference", metavar="WORKER", shell_complete=complete)
some_workers = click.argument(
    "references", metavar="WORKER...", nargs=-1, required=True, shell_complete=complete
)
any_workers = click.argument("references", metavar="[WORKER]...", nargs=-1, shell_complete=complete)
