"""`worker-manager run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import complete
from worker_manager.cli.declaration import make_command
from worker_manager.cli.exit_codes import Exit
from worker_manager.cli.requirements import require_tmux
from worker_manager.cli.start_options import Options, start_options, tasks
from worker_manager.cli.terminal import prompts
from worker_manager.errors import InvalidInput, WorkerManagerError

if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet

_EXAMPLE = """\
worker-manager run "Add a dark mode, with tests"
worker-manager run --check "make test" "Fix issue 12" "Fix issue 14"
worker-manager run --yes --json --file task.md    # in a script"""


@make_command("run", example=_EXAMPLE, result="Event", is_stream=True, acts=True)
@click.argument("given", metavar="[TASK]...", nargs=-1)
@click.option(
    "--file", "files", multiple=True, type=click.Path(path_type=Path), help="With a task."
)
@click.option(
    "--follow",
    "followed",
    multiple=True,
    metavar="WORKER",
    shell_complete=complete,
    help="Go on with one that was started before.",
)
@click.option("--merge", is_flag=True, help="Merge what completes, without asking.")
@click.option("--yes", is_flag=True, help="Ask nothing, and merge what completes.")
@start_options
def command(
    given: tuple[str, ...],
    files: tuple[Path, ...],
    followed: tuple[str, ...],
    merge: bool,
    yes: bool,
    options: Options,
    as_json: bool,
) -> int:
    """Do a whole job: start a worker for each TASK, follow them, show their letters, ask you for
    the answers they wait for, and offer to merge.

    Without a terminal, with --yes or --json nobody is asked: it ends when each worker has finished
    or waits for an answer. ^C leaves the workers at work.

    Exit codes: 0 all completed, 1 failed to do it, 2 wrong command line, 3 a worker failed or was
    stopped, 4 a worker waits for you, 5 a merge was refused, 130 ^C.
    """
    require_tmux()
    fleet, ids = _followed(followed) if followed else (targets.repository().own_fleet(), [])
    if followed and (given or files):
        raise InvalidInput("--follow goes without tasks. Start those with a run of their own.")
    wanted = [] if followed else [options.wanted(text) for text in tasks(given, files)]

    from worker_manager.cli.job.job import Job

    is_attended = prompts.can_ask() and not yes and not as_json
    job = Job(fleet, ids, is_attended=is_attended, as_json=as_json)
    try:
        job.start(wanted)
        return job.finish(job.follow(), merge=merge or yes)
    except WorkerManagerError:
        job.say_how_to_come_back()
        raise
    except KeyboardInterrupt:
        job.say_how_to_come_back()
        return Exit.INTERRUPTED


def _followed(references: tuple[str, ...]) -> tuple[Fleet, list[str]]:
    """Returns the fleet and the worker ids to follow. Raises InvalidInput for workers of another
    owner: following claims their mail.
    """
    found = targets.located(references)
    for where, worker in found:
        if not where.owns(worker):
            raise InvalidInput(
                f"The letters of {worker.name} belong to the Claude session or the terminals that "
                f"started it, and following takes them. worker-manager logs -f {worker.id} only "
                f"looks; worker-manager adopt {worker.id} makes it yours."
            )
    fleet = found[0][0].fleet_of(found[0][1])
    if any(where.fleet_of(worker).home != fleet.home for where, worker in found):
        raise InvalidInput("These are of different repositories. Follow those of one at a time.")
    return fleet, [worker.id for _, worker in found]
