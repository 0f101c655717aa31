"""`worker-manager watch`."""

from __future__ import annotations

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
    if not (web or asking.can_ask()):
        raise InvalidInput("watch needs a terminal. worker-manager ls --watch prints changes.")
    need_tmux()

    from worker_manager import dashboard

    return dashboard.run(here.repository(), web=web, port=port)
