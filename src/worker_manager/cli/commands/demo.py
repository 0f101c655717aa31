"""`worker-manager demo`."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import click

from worker_manager.cli.declaration import make_command
from worker_manager.cli.exit_codes import Exit
from worker_manager.cli.requirements import require_tmux
from worker_manager.cli.terminal.output import emit

_EXAMPLE = """\
worker-manager demo
worker-manager demo --agent claude --keep"""


@make_command("demo", example=_EXAMPLE, result="Demo")
@click.option("--agent", type=click.Choice(["scripted", "claude"]), default="scripted")
@click.option("--keep", is_flag=True, help="Leave everything to look at.")
@click.option(
    "--below", type=click.Path(path_type=Path), metavar="DIR", help="Make its repository in DIR."
)
def command(agent: str, keep: bool, below: Path | None, as_json: bool) -> int:
    """See the whole job done once, here, in seconds, without an account: a worker starts, asks, is
    answered, commits and reports.
    """
    require_tmux()

    from worker_manager.cli.results import Demo
    from worker_manager.rehearsal import demo

    if not as_json:
        return demo.main(agent, keep, below)
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        code = demo.main(agent, keep, below)
    emit(Demo(code == Exit.OK, written.getvalue().splitlines()))
    return code
