"""`worker-manager restore`."""

from __future__ import annotations

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import worker_argument
from worker_manager.cli.declaration import make_command
from worker_manager.cli.requirements import require_tmux
from worker_manager.cli.terminal.output import emit, print_wrapped
from worker_manager.cli.terminal.spinner import busy

_EXAMPLE = """\
worker-manager restore 3f2a
worker-manager restore 3f2a "Now add the tests, too" """.rstrip()


@make_command("restore", example=_EXAMPLE, result="Workers", acts=True)
@worker_argument
@click.argument("message", default="")
def command(reference: str, message: str, as_json: bool) -> None:
    """Go on with the conversation of a worker that was stopped, has failed or was cleaned: branch,
    worktree and files come back. MESSAGE is what it is told.
    """
    require_tmux()
    fleet, worker = targets.worker(reference)

    from worker_manager.cli.results import Workers
    from worker_manager.views import announcements
    from worker_manager.views.facts import facts_of

    with busy(f"restoring {worker.name}"):
        restored = fleet.restore(worker.id, message)
    facts = facts_of(fleet, restored)
    if as_json:
        emit(Workers([facts]))
    else:
        print_wrapped(announcements.restored(restored, facts.reason))
