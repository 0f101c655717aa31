"""`worker-manager restore`."""

from __future__ import annotations

import click

from worker_manager.cli import here
from worker_manager.cli.command import make_command
from worker_manager.cli.completing import worker_argument
from worker_manager.cli.needed import need_tmux
from worker_manager.cli.output import emit, say
from worker_manager.cli.progress import busy
from worker_manager.wording import for_people

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
    need_tmux()
    fleet, worker = here.worker(reference)

    from worker_manager import telling
    from worker_manager.cli.results import Workers
    from worker_manager.snapshot import facts_of

    with busy(f"restoring {worker.name}"):
        restored = fleet.restore(worker.id, message)
    facts = facts_of(fleet, restored)
    if as_json:
        emit(Workers([facts]))
    else:
        say(for_people(telling.restored(restored, facts.reason)))
