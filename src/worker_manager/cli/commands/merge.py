"""`worker-manager merge`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import some_workers
from worker_manager.cli.declaration import make_command
from worker_manager.cli.terminal.output import emit, print_wrapped
from worker_manager.cli.terminal.spinner import busy
from worker_manager.errors import MergeRefused, Text, WorkerManagerError
from worker_manager.text import rendering

if TYPE_CHECKING:
    from worker_manager.crew.integration.merge import Merged

_EXAMPLE = """\
worker-manager merge 3f2a 77b0
worker-manager merge --strategy squash --check "make test" 3f2a"""


@make_command("merge", example=_EXAMPLE, result="AllMerged", acts=True)
@some_workers
@click.option("--strategy", type=click.Choice(["merge", "squash", "rebase"]), default="merge")
@click.option("--into", default="", metavar="BRANCH", help="Default: the one it started from.")
@click.option(
    "--check",
    "checks",
    multiple=True,
    metavar="COMMAND",
    help="Run after each; a failure undoes it.",
)
def command(
    references: tuple[str, ...], strategy: str, into: str, checks: tuple[str, ...], as_json: bool
) -> None:
    """Merge finished workers' branches in this order, each whole or not at all. It stops at the
    first that fails; a conflict changes nothing.
    """
    found = targets.workers(references)

    from worker_manager.cli.results import AllMerged, merged_of
    from worker_manager.crew.integration.merge import MergeOptions

    merged: list[Merged] = []
    for fleet, worker in found:
        try:
            with busy(f"merging {worker.name}"):
                merged.append(fleet.merge(worker.id, MergeOptions(strategy, into, checks)))
        except WorkerManagerError as error:
            done = ", ".join(merge.worker.id for merge in merged)
            before = f"Merged before: {done}. Then: " if done and as_json else ""
            raise MergeRefused(Text(before, error.text), error.shown) from error
        if not as_json:
            _tell(merged[-1])
    if as_json:
        emit(AllMerged([merged_of(merge) for merge in merged]))
    else:
        ids = " ".join(merge.worker.id for merge in merged)
        what = "its worktree and branch" if len(merged) == 1 else "their worktrees and branches"
        print_wrapped(f"worker-manager clean {ids} removes {what}.")


def _tell(merged: Merged) -> None:
    from worker_manager.views import announcements

    print_wrapped(announcements.merged(merged))
    if merged.changed.strip():
        click.echo(rendering.clean(merged.changed).rstrip())
