"""`worker-manager nudge`."""

from __future__ import annotations

import sys

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import worker_argument
from worker_manager.cli.declaration import make_command

_EXAMPLE = """\
worker-manager nudge 3f2a "Use the existing parser"
git diff main | worker-manager nudge 3f2a -"""


@make_command("nudge", example=_EXAMPLE, result="Nudged", acts=True)
@worker_argument
@click.argument("message")
@click.option("--key", default="", help="The same message with the same key is sent once.")
def command(reference: str, message: str, key: str, as_json: bool) -> None:
    """Send a worker a MESSAGE (`-`: from stdin): the answer to its question, or what to do next.

    It wakes an idle worker and reopens a completed one.
    """
    fleet, worker = targets.worker(reference)

    from worker_manager.cli.job import answers

    text = sys.stdin.read() if message == "-" else message
    answers.send(fleet, worker, text, key=key, as_json=as_json)
