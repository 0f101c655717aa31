"""`worker-manager clean`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import any_workers
from worker_manager.cli.declaration import make_command
from worker_manager.cli.exit_codes import Exit
from worker_manager.cli.terminal.output import emit, print_wrapped
from worker_manager.cli.terminal.spinner import busy
from worker_manager.errors import InvalidInput
from worker_manager.text.commands import for_people

if TYPE_CHECKING:
    from worker_manager.cli.results import AllCleaned
    from worker_manager.crew.fleet import Fleet
    from worker_manager.crew.integration.clean import CleanOptions, CleanResult

_EXAMPLE = """\
worker-manager clean --dry-run
worker-manager clean 3f2a"""


@make_command("clean", example=_EXAMPLE, result="AllCleaned", acts=True)
@any_workers
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@click.option("--force", is_flag=True, help="Unmerged or uncommitted work, too: named ones only.")
def command(references: tuple[str, ...], dry_run: bool, force: bool, as_json: bool) -> int:
    """Remove worktree, branch and terminal of finished, merged workers: of those named, else of all
    here. All of it is saved before; worker-manager restore brings one back. Exits with 1 when one
    of those named stays, or would.
    """
    if force and not references:
        raise InvalidInput("--force needs workers: name those whose unmerged work may go.")

    from worker_manager.crew.integration.clean import CleanOptions
    from worker_manager.views import announcements

    chosen = _for_each_fleet(references, CleanOptions((), dry_run, force))
    outcomes: list[CleanResult] = []
    with busy("cleaning"):
        for fleet, options in chosen:
            outcomes += fleet.clean(options)
    if as_json:
        emit(_result(outcomes, is_dry_run=dry_run))
    else:
        print_wrapped(announcements.cleaned(outcomes, for_people, is_dry_run=dry_run))
    return Exit.FAILED if references and any(outcome.why_not for outcome in outcomes) else Exit.OK


def _for_each_fleet(
    references: tuple[str, ...], options: CleanOptions
) -> list[tuple[Fleet, CleanOptions]]:
    """What each owner's fleet is to clean."""
    if not references:
        return [(fleet, options) for fleet in targets.repository().fleets()]
    ids: dict[Fleet, list[str]] = {}
    for fleet, worker in targets.workers(references):
        ids.setdefault(fleet, []).append(worker.id)
    return [(fleet, options._replace(ids=named)) for fleet, named in ids.items()]


def _result(outcomes: list[CleanResult], *, is_dry_run: bool) -> AllCleaned:
    from worker_manager.cli.results import AllCleaned, Cleaned

    cleaned = [
        Cleaned(
            id=outcome.worker.id,
            name=outcome.worker.name,
            kept_because=for_people(outcome.why_not),
            freed_bytes=outcome.freed,
            saved=outcome.worker.cleaned.removeprefix("-"),
        )
        for outcome in outcomes
    ]
    return AllCleaned(cleaned, sum(outcome.freed for outcome in outcomes), is_dry_run)
