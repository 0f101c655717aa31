"""Workers' letters, as a person reads them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

import click

from worker_manager.cli.terminal.columns import broken
from worker_manager.cli.terminal.output import bold, wrapped
from worker_manager.domain.message import Message
from worker_manager.state.mail.inbox import Claim
from worker_manager.text import rendering
from worker_manager.text.commands import for_people
from worker_manager.text.figures import clock

_BAR = "  | "


def text_of(message: Message, *, with_next: bool = True) -> str:
    """Returns a message as text: heading, whole body, next step."""
    again = ", shown before" if message.repeat else ""
    name = rendering.one_line(message.name)
    lines = [bold(f"{message.type} from {name}") + f", {clock(message.sent)}{again}"]
    lines.append(barred(message.body))
    following = wrapped(for_people(rendering.next_step(message))) if with_next else ""
    return "\n".join([*lines, following] if following else lines)


def barred(text: str) -> str:
    """A worker's text without control characters, each line behind a bar so that none passes for
    ours; broken at the width of a terminal, where there is one.
    """
    lines = rendering.clean(text).expandtabs().splitlines() or [""]
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns - len(_BAR)
        lines = [part for line in lines for part in broken(line, room)]
    return "\n".join(f"{_BAR}{line}".rstrip() for line in lines)


def show(messages: Sequence[Message], *, with_next: bool = True) -> None:
    """Prints messages, with an empty line after each."""
    for message in messages:
        click.echo(text_of(message, with_next=with_next) + "\n")


def acknowledge(claim: Claim) -> None:
    """Flushes stdout, then marks the messages as read: call it when they are written."""
    sys.stdout.flush()  # not before they are out of our hands
    claim.acknowledge()
