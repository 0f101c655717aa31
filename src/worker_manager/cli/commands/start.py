"""`worker-manager start`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from worker_manager.cli import targets
from worker_manager.cli.declaration import make_command
from worker_manager.cli.requirements import require_tmux
from worker_manager.cli.start_options import Options, start_options, tasks
from worker_manager.cli.terminal.output import emit, print_wrapped
from worker_manager.cli.terminal.spinner import busy
from worker_manager.text.commands import for_people

if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet
    from worker_manager.crew.lifecycle.request import Started

_EXAMPLE = """\
worker-manager start "Add a dark mode" --check "make test"
worker-manager start --file task.md --title "Dark mode" """.rstrip()


@make_command("start", example=_EXAMPLE, result="Started", is_stream=True, acts=True)
@click.argument("given", metavar="[TASK]...", nargs=-1)
@click.option(
    "--file", "files", multiple=True, type=click.Path(path_type=Path), help="With a task."
)
@start_options
def command(
    given: tuple[str, ...], files: tuple[Path, ...], options: Options, as_json: bool
) -> None:
    """Start a worker for each TASK and come back at once.

    A task must say all that a stranger needs to do it. Letters of the worker wait for you in
    worker-manager mail.
    """
    texts = tasks(given, files)
    require_tmux()
    fleet = targets.repository().own_fleet()
    for text in texts:
        with busy("starting a worker"):
            started = fleet.start(options.wanted(text))
        _tell(fleet, started, as_json=as_json)


def _tell(fleet: Fleet, started: Started, *, as_json: bool) -> None:
    from worker_manager.cli import results
    from worker_manager.views import announcements
    from worker_manager.views.facts import facts_of

    facts = facts_of(fleet, started.worker)
    if as_json:
        place = started.place
        behind, uncommitted = (place.base.behind, place.uncommitted) if place else (0, 0)
        emit(results.Started(facts, behind, uncommitted, [*map(for_people, started.notes)]))
        return
    lines = [*announcements.started(started, facts.reason, for_people)]
    lines.append(f"Look at it: worker-manager attach {facts.id}. Its letters: worker-manager mail.")
    print_wrapped("\n".join(lines))
