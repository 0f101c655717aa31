"""`worker-manager answer`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import worker_argument
from worker_manager.cli.declaration import make_command
from worker_manager.cli.terminal import prompts
from worker_manager.errors import InvalidInput

if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet
    from worker_manager.domain.worker import Worker
    from worker_manager.views.needs import Need

_EXAMPLE = """\
worker-manager answer 3f2a "Yes, both of them"
worker-manager answer 3f2a allow
worker-manager answer 3f2a deny --because "Not on main"
worker-manager answer 3f2a       # shows what it waits for, and asks you"""


@make_command("answer", example=_EXAMPLE, result="Nudged", acts=True)
@worker_argument
@click.argument("answer", required=False)
@click.option("--because", default="", help="With deny: why, and what to do instead.")
@click.option("--message-id", default="", help="Of the letter that you answer, if several wait.")
def command(
    reference: str, answer: str | None, because: str, message_id: str, as_json: bool
) -> None:
    """Answer what a worker waits for: a text to its question (`-`: from stdin), allow or deny to
    its permission. Without an ANSWER it is shown, and you are asked.
    """
    ((where, worker),) = targets.located((reference,))
    fleet = where.fleet_of(worker)

    from worker_manager.cli.job import answers
    from worker_manager.views import needs

    worker = fleet.look_at(worker.id)
    need = needs.of(fleet, worker)
    if answer is None:
        _ask(fleet, worker, need)
        return
    text = sys.stdin.read() if answer == "-" else answer
    if need is not None and need.kind in answers.DIALOGS:
        is_mine = need.kind is needs.Kind.CHOICE or where.owns(worker)
        if not (message_id or (is_mine and fleet.mailbox.reader(need.key))):
            raise InvalidInput(_unseen(worker, need))
        answers.decide(fleet, worker, text, because=because, message_id=message_id, as_json=as_json)
    elif need is not None and need.kind is needs.Kind.TERMINAL:
        raise _left_to_its_terminal(worker)
    elif because or message_id:
        raise InvalidInput(
            f"{worker.name} has no open dialog: --because and --message-id go with one."
        )
    else:
        answers.send(fleet, worker, text, as_json=as_json)


def _left_to_its_terminal(worker: Worker) -> InvalidInput:
    from worker_manager.cli.job import answers

    return InvalidInput(f"{worker.name}: {answers.at_terminal(worker)}")


def _unseen(worker: Worker, need: Need) -> str:
    """What is allowed unseen might be something else."""
    return (
        f"You were not shown yet what {worker.name} asks for. worker-manager answer {worker.id} "
        f"shows it and asks you; --message-id {need.key} answers all the same."
    )


def _ask(fleet: Fleet, worker: Worker, need: Need | None) -> None:
    from worker_manager.cli.job import answers
    from worker_manager.views import needs

    if need is None:
        raise InvalidInput(
            f"{worker.name} ({worker.status.value}) waits for nothing that can be given here. "
            f"worker-manager nudge {worker.id} sends it a message, worker-manager attach "
            f"{worker.id} goes to its terminal."
        )
    if not prompts.can_ask():
        if need.kind is needs.Kind.TERMINAL:
            raise _left_to_its_terminal(worker)
        raise InvalidInput(
            f'There is no terminal to ask at. Give it: worker-manager answer {worker.id} "..."'
        )
    click.echo(answers.text_of(worker, need))
    answers.ask_and_give(fleet, worker, need)
