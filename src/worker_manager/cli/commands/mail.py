"""`worker-manager mail`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from worker_manager.cli import targets
from worker_manager.cli.declaration import make_command
from worker_manager.cli.terminal.output import emit, print_wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker_manager.crew.fleet import Fleet
    from worker_manager.domain.message import Message

LOOK_SECONDS = 0.2
HISTORY = 20

_EXAMPLE = """\
worker-manager mail
worker-manager mail --follow"""


@make_command("mail", example=_EXAMPLE, result="Mail", is_stream=True, acts=True)
@click.option("--peek", is_flag=True, help="Leave them waiting.")
@click.option("--history", is_flag=True, help=f"The last {HISTORY} that were shown before.")
@click.option("-f", "--follow", is_flag=True, help="Go on until ^C, and show each as it comes.")
def command(peek: bool, history: bool, follow: bool, as_json: bool) -> None:
    """Show the letters that wait from workers started at terminals here; what was shown waits no
    more. In a Claude session's shell: those of the session.
    """
    if peek + history + follow > 1:
        raise click.UsageError("--peek, --history and --follow don't go together.")
    fleet = targets.repository().own_fleet()
    fleet.supervisor.supervise_unattended()
    if history:
        _tell([message for message, _ in fleet.history(most=HISTORY)], 0, as_json=as_json)
    elif peek:
        fleet.reconcile()
        box = fleet.mailbox
        waiting = [message for name in box.waiting() if (message := box.peek(name))]
        _tell(waiting, len(waiting), as_json=as_json)
    elif follow:
        _follow(fleet, as_json=as_json)
    elif not _take(fleet, as_json=as_json):
        _tell([], 0, as_json=as_json)


def _follow(fleet: Fleet, *, as_json: bool) -> None:
    """For ever. Supervises the workers meanwhile."""
    from worker_manager.crew.supervision.background import BackgroundSupervisor

    with BackgroundSupervisor(lambda: fleet.supervisor):
        while True:
            if fleet.mailbox.waiting():
                _take(fleet, as_json=as_json)
            time.sleep(LOOK_SECONDS)


def _take(fleet: Fleet, *, as_json: bool) -> bool:
    """Shows all that waits; whether there was any."""
    from worker_manager.cli.terminal import letters

    found = False
    fleet.reconcile()
    while claim := fleet.mailbox.claim():
        found = True
        _tell(claim.messages, claim.left, as_json=as_json)
        letters.acknowledge(claim)
    return found


def _tell(messages: Sequence[Message], left: int, *, as_json: bool) -> None:
    from worker_manager.cli.results import Mail, letter_of
    from worker_manager.cli.terminal import letters

    if as_json:
        emit(Mail([letter_of(message) for message in messages], left))
    elif messages:
        letters.show(messages)
    else:
        print_wrapped(
            "No letter waits. Those of workers that Claude started go to Claude. "
            "worker-manager mail --history shows what came before."
        )
