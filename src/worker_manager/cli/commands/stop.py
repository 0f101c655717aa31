"""`worker-manager stop`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from worker_manager.cli import targets
from worker_manager.cli.arguments import some_workers
from worker_manager.cli.declaration import make_command
from worker_manager.cli.terminal.output import emit, print_wrapped
from worker_manager.cli.terminal.spinner import busy
from worker_manager.domain.worker import Status
from worker_manager.text.commands import for_people

if TYPE_CHECKING:
    from worker_manager.crew.fleet import Fleet
    from worker_manager.domain.worker import Worker

LOOK_SECONDS = 0.3

_EXAMPLE = """\
worker-manager stop 3f2a
worker-manager stop --force 3f2a 77b0"""


@make_command("stop", example=_EXAMPLE, result="Stopped", acts=True)
@some_workers
@click.option("--force", is_flag=True, help="Now, without asking it first.")
def command(references: tuple[str, ...], force: bool, as_json: bool) -> None:
    """End workers' sessions; each may finish its thought first. Branch and files stay, and what no
    commit holds is saved.
    """
    found = targets.workers(references)

    from worker_manager.cli.results import Ended, Stopped
    from worker_manager.views import announcements
    from worker_manager.views.facts import facts_of

    asked: list[tuple[Fleet, Worker]] = []
    for fleet, worker in found:
        with busy(f"stopping {worker.name}"):
            after = fleet.stop(worker.id) if force else fleet.ask_to_stop(worker.id)
        asked.append((fleet, after))
        if not as_json:
            print_wrapped(announcements.stopped(after, for_people))
    ended = [_to_its_end(fleet, worker, as_json=as_json) for fleet, worker in asked]
    if as_json:
        facts = [facts_of(fleet, one) for (fleet, _), one in zip(asked, ended, strict=True)]
        emit(
            Stopped(
                [
                    Ended(*pair)
                    for pair in zip(facts, (worker.saved for worker in ended), strict=True)
                ]
            )
        )


def _to_its_end(fleet: Fleet, worker: Worker, *, as_json: bool) -> Worker:
    """Waits for one that was asked, when no server is there that would end it: until it has ended,
    completed or refused. As it is then.
    """
    if not worker.stop_due or fleet.is_attended:
        return worker

    from worker_manager.views import announcements

    with busy(f"waiting for {worker.name}; ^C leaves it at work"):
        while worker.stop_due and not worker.finished:
            time.sleep(LOOK_SECONDS)
            fleet.supervisor.supervise_unattended()
            worker = fleet.look_at(worker.id)
    if not as_json:
        refused = f"{worker.name} is {worker.status.value}. worker-manager mail has its letter."
        is_stopped = worker.status is Status.STOPPED
        print_wrapped(announcements.stopped(worker, for_people) if is_stopped else refused)
    return worker
