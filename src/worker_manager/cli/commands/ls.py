"""`worker-manager ls`."""

from __future__ import annotations

import click

from worker_manager.cli import listing
from worker_manager.cli.declaration import make_command

_EXAMPLE = """\
worker-manager ls
worker-manager ls --json | jq -r '.workers[] | .id + " " + .status'"""


@make_command("ls", example=_EXAMPLE, result="Listed")
@click.option("--watch", is_flag=True, help="Go on until ^C; with --json a line for each change.")
@click.option("--all", "show_all", is_flag=True, help="Cleaned workers, too.")
def command(watch: bool, show_all: bool, as_json: bool) -> None:
    """List the workers of this repository, whoever started them.

    FOR is how long it stands so, WORK commits and changed files, TOKENS what its next request
    holds, NOW its question, its reason, or what it does.
    """
    if watch:
        listing.watch(show_all=show_all, as_json=as_json)
    else:
        listing.show(show_all=show_all, as_json=as_json)
