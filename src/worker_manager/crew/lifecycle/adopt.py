"""Workers whose orchestrator's session is gone, and how another takes them over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from worker_manager.agents import HOST, agent_named
from worker_manager.crew.context import Context
from worker_manager.crew.reporting import forwarding, reports
from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput, StateUnavailable, Text, option
from worker_manager.state import journal, sessions
from worker_manager.state.layout import orchestrator_home
from worker_manager.state.locking import exclusive
from worker_manager.state.mail import receipts
from worker_manager.state.orchestrators import TERMINAL
from worker_manager.state.workers.records import Records, now


def orphans(root: str, records: Records, owner: str, everybody: Sequence[Worker]) -> list[Worker]:
    """Workers of others whose session is gone, and that work still or have reported to nobody.
    A person's at a terminal are none: nobody says when that one comes back.
    """
    attended = {home for home, _ in sessions.all_attending(root)}
    left = [
        one
        for one in everybody
        if one.owner not in (owner, TERMINAL)
        and orchestrator_home(records.repository, one.owner) not in attended
    ]
    unread = _with_unread(records, [one for one in left if one.finished])
    return [one for one in left if not one.finished or one.id in unread]


def adopt(context: Context, worker_ids: Sequence[str], *, force: bool) -> list[Worker]:
    """Give this orchestrator the orphans, or the workers named, with their letters.
    `force` takes the named ones from a session that runs, too. Those that are its own already have
    their letters looked for.

    Raises InvalidInput when a named one has an orchestrator that runs.
    """
    records, owner = context.records, context.owner
    if not worker_ids:
        found = orphans(context.root, records, owner, records.all())
        return [one for one in _adopt_each(context, found, force=False) if one is not None]
    named = [records.load(worker_id) for worker_id in dict.fromkeys(worker_ids)]
    for worker in named:
        if worker.owner != owner and _is_attended(context, worker) and not force:
            raise InvalidInput(_belongs(worker))
    taken = list(zip(named, _adopt_each(context, named, force=force), strict=True))
    for before, after in taken:
        if after is None:  # another session was faster
            raise InvalidInput(_belongs(before))
    return [after for before, after in taken if after is not None and before.owner != owner]


def _belongs(worker: Worker) -> str:
    return Text(
        f"Worker {worker.id} belongs to a session that is running. ",
        option("force", True),
        " takes it all the same.",
    )


def _with_unread(records: Records, workers: Sequence[Worker]) -> set[str]:
    """The ids of those of whom a letter waits with the orchestrator that they have, or had. Those
    that they have are without a session: what these were shown, and never got, waits again.
    """
    senders: dict[str, set[str]] = {}
    for one in workers:
        for owner in (one.owner, *(former.owner for former in one.formers)):
            senders.setdefault(owner, set()).add(one.id)
    for owner in {one.owner for one in workers}:
        with suppress(StateUnavailable):
            home = orchestrator_home(records.repository, owner)
            receipts.requeue_unconfirmed(home, agent_named(HOST).receipts, restarted=True)
    boxes = {owner: forwarding.mailbox_of(records, owner) for owner in senders}
    return set().union(*(boxes[one].has_reports_of(those) for one, those in senders.items()))


def _is_attended(context: Context, worker: Worker) -> bool:
    home = orchestrator_home(context.records.repository, worker.owner)
    return bool(sessions.attending(context.root, home))


def _adopt_each(
    context: Context, workers: Sequence[Worker], *, force: bool
) -> Iterator[Worker | None]:
    strayed = forwarding.elsewhere(context.records, workers)
    for one in workers:
        yield _adopt(context, one, strayed[one.id], force=force)


def _adopt(context: Context, seen: Worker, strayed: set[str], *, force: bool) -> Worker | None:
    """None when it belongs to another by now than when it was `seen`. From the one change of its
    record on its letters follow: killed behind that, whoever looks next goes on.
    """
    records, owner = context.records, context.owner
    with exclusive(reports.report_lock(records, seen.id)):
        current = reports.delivered(records, records.load(seen.id))
        if current.owner not in (seen.owner, owner) and not force:
            return None
        _, adopted = records.update(
            seen.id, lambda one: one.adopt(owner, at=now(), strayed=strayed)
        )
        if adopted.owner != current.owner:
            journal.note(records.home(seen.id), "adopted", by=owner, from_=current.owner)
        return forwarding.forward(records, adopted)
