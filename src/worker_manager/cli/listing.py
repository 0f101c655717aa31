"""The workers of a repository, listed."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from worker_manager.cli import targets
from worker_manager.cli.terminal import worker_table
from worker_manager.cli.terminal.output import echo, emit
from worker_manager.cli.terminal.spinner import busy

if TYPE_CHECKING:
    from worker_manager.cli.listed import Listed
    from worker_manager.crew.repository import Repository
    from worker_manager.domain.worker import Worker
    from worker_manager.views.facts import Snapshots
    from worker_manager.views.worker_facts import Facts

#: A look takes git processes for each worker that has changed something.
LOOK_SECONDS = 2.0


def show(*, show_all: bool, as_json: bool) -> None:
    """Prints the workers once, after a look at the world."""
    repository = targets.repository()
    with busy("looking"):
        if fleet := repository.terminal_fleet():
            fleet.supervisor.supervise_unattended()
        listed = _look(repository, {}, show_all=show_all)
    if as_json:
        emit(listed)
    else:
        echo("\n".join(_lines(listed)))


def watch(*, show_all: bool, as_json: bool) -> None:
    """For ever. Supervises the workers started from terminals meanwhile."""
    from worker_manager.cli.terminal.live_area import Live
    from worker_manager.crew.supervision.background import BackgroundSupervisor

    repository = targets.repository()
    before = None
    known: dict[str, Snapshots] = {}
    with Live() as live, BackgroundSupervisor(repository.terminal_supervisor):
        while True:
            listed = _look(repository, known, show_all=show_all)
            if as_json and listed != before:
                emit(listed)
            elif not as_json and live.is_on:
                live.show(_lines(listed))
            elif not as_json and listed != before:
                echo("\n".join(_lines(listed)) + "\n")
            before = listed
            time.sleep(LOOK_SECONDS)


def _look(repository: Repository, known: dict[str, Snapshots], *, show_all: bool) -> Listed:
    from worker_manager.cli.listed import Listed

    workers = repository.workers()
    facts = _facts(
        repository, [worker for worker in workers if show_all or not worker.cleaned], known
    )
    return Listed(
        workers=facts,
        tokens_read=sum(fact.tokens_read or 0 for fact in facts),
        tokens_written=sum(fact.tokens_written or 0 for fact in facts),
        cost_usd=sum(fact.cost_usd or 0.0 for fact in facts),
        cleaned=[worker.id for worker in workers if worker.cleaned],
        orphans=[orphan.id for orphan in repository.orphans()],
        damaged=repository.records.damaged(),
    )


def _facts(
    repository: Repository, workers: list[Worker], known: dict[str, Snapshots]
) -> list[Facts]:
    """Returns the facts of each worker; `known` caches what was read before, by owner."""
    if not workers:
        return []
    from worker_manager.views.facts import Snapshots

    found: dict[str, Facts] = {}
    for owner in {worker.owner for worker in workers}:
        own = [worker for worker in workers if worker.owner == owner]
        snapshots = known.setdefault(owner, Snapshots(repository.fleet_of(own[0])))
        found |= {snapshot.id: snapshot for snapshot in snapshots.of(own)}
    return [found[worker.id] for worker in workers]


def _lines(listed: Listed) -> list[str]:
    if not listed.workers:
        return [_nothing(listed)]
    lines = worker_table.lines(listed.workers, shutil.get_terminal_size().columns)
    notes = worker_table.needs(listed.workers)
    if listed.orphans:
        ids = " ".join(listed.orphans)
        notes.append(f"Their session is gone: {ids}. worker-manager adopt takes them over.")
    notes += [f"Damaged, can't be read: {path}" for path in listed.damaged]
    return [*lines, *([""] if notes else []), *notes]


def _nothing(listed: Listed) -> str:
    if listed.cleaned:
        count = len(listed.cleaned)
        return f"No workers now. worker-manager ls --all lists what was cleaned: {count}."
    return 'No workers here. worker-manager run "what to do" starts one.'
