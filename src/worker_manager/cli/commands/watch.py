"""`worker-manager watch`."""

from __future__ import annotations

import os

import click

from worker_manager.cli import targets
from worker_manager.cli.declaration import make_command
from worker_manager.cli.requirements import require_tmux
from worker_manager.cli.terminal import prompts
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
    is_in_browser = "TEXTUAL_DRIVER" in os.environ  # started by the server of --web
    if not (web or is_in_browser or prompts.can_ask()):
        raise InvalidInput(
            "watch needs a terminal, and this is none. worker-manager ls --watch goes without, "
            "watch --web in a browser."
        )
    require_tmux()

    from worker_manager.installation import environment, steps

    environment.require(steps.WATCH)
    if web:
        environment.require(steps.WEB)

    from worker_manager import dashboard

    return dashboard.run(targets.repository(), web=web, port=port)
