"""`worker-manager consult`."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click

from worker_manager.cli import targets
from worker_manager.cli.declaration import make_command
from worker_manager.cli.exit_codes import Exit
from worker_manager.cli.requirements import require_tmux
from worker_manager.cli.terminal.output import emit, print_wrapped
from worker_manager.cli.terminal.spinner import busy

_EXAMPLE = """\
worker-manager consult architect "Is the parser the right place for this?"
worker-manager consult architect "What is wrong with this change?" --diff ID"""


@make_command("consult", example=_EXAMPLE, result="Opinion", acts=True)
@click.argument("name")
@click.argument("question")
@click.option("--diff", "worker", metavar="WORKER", help="Show it what this worker has changed.")
def command(name: str, question: str, worker: str | None, as_json: bool) -> int:
    """Ask the agent NAME for an opinion, and wait for it. It reads, and changes nothing; nothing
    is left of it. With `-` the QUESTION comes from stdin. Exits with 1 when there is no opinion.
    """
    from worker_manager.crew import opinions
    from worker_manager.crew.lifecycle.consult import Subject
    from worker_manager.state.layout import state_root
    from worker_manager.text import rendering

    require_tmux()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _leave)
    repository = targets.repository()
    subject = Subject(repository.directory)
    if worker is not None:
        _, found = targets.worker(worker)
        subject = opinions.subject_of(found)
    with busy(f"{name} reads"):
        opinion = opinions.for_person(
            repository.settings,
            repository.records.repository,
            name,
            sys.stdin.read() if question == "-" else question,
            subject,
            root=state_root(),
            seconds=repository.settings.ask_wait_seconds or opinions.BROUGHT_SECONDS,
        )
    if as_json:
        emit(opinion)
    elif opinion.text:
        print_wrapped(f"The opinion of {opinion.name} ({opinion.program}):\n")
        click.echo(rendering.clean(opinion.text))
    else:
        print_wrapped(f"No opinion of {opinion.name}: {opinion.reason}", is_error=True)
    return Exit.OK if opinion.text else Exit.FAILED


def _leave(number: int, _: FrameType | None) -> None:
    """Ends as by an error, so that nothing is left of the consult; a second time is not heard."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)
