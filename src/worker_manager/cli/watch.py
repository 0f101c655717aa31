"""`worker-manager watch`."""

from __future__ import annotations

import os

import click

from worker_manager.cli import asking, here
from worker_manager.cli.command import make_command
from worker_manager.cli.needed import need_tmux
from worker_manager.errors import InvalidInput

_EXAMPLE = """\
worker-manager watch
worker-manager watch --web"""


@make_command("watch", example=_EXAMPLE, acts=True)
@click.option("--web", is_flag=True, help="In a browser, from this machine alone.")
@click.option("--port", type=int, help="Of --web; a free one by default.")
def command(web: bool, port: int | None) -> int:
    """See all workers of this repository live, those that need you on top; attach, answer, stop,
    merge and clean with a key. For scripts there is `ls --watch --json`.
    """
    # In a browser it is shown by a process like this, whose screen is a pipe.
    is_shown = web or "TEXTUAL_DRIVER" in os.environ or asking.can_ask()
    if not is_shown:
        raise InvalidInput("watch needs a terminal. worker-manager ls --watch prints changes.")
    need_tmux()

    from worker_manager import dashboard

    return dashboard.run(here.repository(), web=web, port=port)
