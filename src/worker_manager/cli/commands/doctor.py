"""`worker-manager doctor`."""

from __future__ import annotations

from functools import partial

import click

from worker_manager.cli import targets
from worker_manager.cli.declaration import make_command

_EXAMPLE = """\
worker-manager doctor
worker-manager doctor --fix"""


@make_command("doctor", example=_EXAMPLE, result="Visit", acts=True)
@click.option("--fix", is_flag=True, help="Repair what can be, safely.")
@click.option("--deep", is_flag=True, help="Wake a real session; costs a short turn of the model.")
def command(fix: bool, deep: bool, as_json: bool) -> int:
    """Try whether all that is needed works here, and say how to repair what doesn't. Exits with 1
    when something has failed.
    """
    from worker_manager.cli.terminal.output import emit
    from worker_manager.cli.terminal.spinner import busy
    from worker_manager.doctor import run

    if not as_json:
        waiting = partial(busy, "wakes a session" if deep else "looks")
        return run.told(targets.directory(), fix=fix, deep=deep, waiting=waiting)
    found = run.visit(targets.directory(), fix=fix, deep=deep)
    emit(found)
    return 0 if found.sound else 1
