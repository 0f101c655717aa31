"""`worker-manager completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from worker_manager.cli.declaration import make_command
from worker_manager.cli.terminal.output import emit
from worker_manager.domain.identifiers import COMPLETING, PROGRAM

_EXAMPLE = """\
eval "$(worker-manager completion bash)"   # in ~/.bashrc
eval "$(worker-manager completion zsh)"    # in ~/.zshrc
worker-manager completion fish | source     # in ~/.config/fish/config.fish"""


@make_command("completion", example=_EXAMPLE, result="Script")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str, as_json: bool) -> None:
    """Print the script that completes commands, options, and ids and names of workers."""
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101  click has all three
    script = made(context.find_root().command, {}, PROGRAM, COMPLETING).source()
    if as_json:
        from worker_manager.cli.results import Script

        emit(Script(shell, script))
    else:
        click.echo(script)
