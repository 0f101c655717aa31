"""Workers' letters, as a person reads them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from worker_manager import formatting
from worker_manager.cli.durations import clock
from worker_manager.cli.output import bold
from worker_manager.cli.words import for_people
from worker_manager.messages import Message
from worker_manager.state.mailbox import Claim


def text_of(message: Message) -> str:
    """A heading, the whole body without control characters, each line behind a bar so that none
    passes for ours, and what to do next.
    """
    again = ", shown before" if message.repeat else ""
    name = formatting.one_line(message.name)
    head = bold(f"{message.type} from {name}") + f", {clock(message.sent)}{again}"
    body = formatting.clean(message.body).expandtabs().splitlines() or [""]
    lines = [head, *(f"  | {line}".rstrip() for line in body)]
    following = for_people(formatting.next_step(message))
    return "\n".join([*lines, following] if following else lines)


def show(messages: Sequence[Message]) -> None:
    """Prints them, an empty line after each."""
    for message in messages:
        click.echo(text_of(message) + "\n")


def shown(claim: Claim) -> None:
    """To be called once they are written: they count as read from now on."""
    sys.stdout.flush()  # not before they are out of our hands
    claim.acknowledge()
