"""Tools that look at workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration import clean
from worker_manager.servers.call import Call
from worker_manager.servers.toolbox import About, Result, Toolbox
from worker_manager.servers.tools import read_worker as reading
from worker_manager.servers.tools import wait
from worker_manager.servers.tools.worker_info import WorkerId, WorkerInfo, info_from, line_of
from worker_manager.text.rendering import for_models
from worker_manager.views import inspection, log
from worker_manager.views.facts import Facts, Snapshots

_FIRST = log.BEGINNING


class WorkerList(Result):
    """This session's workers, and what they have used together (the cost: where a price is
    known); ids of those that were cleaned, and of workers here whose session is gone; records
    that can't be read.
    """

    workers: list[WorkerInfo]
    tokens_read: int
    tokens_written: int
    cost_usd: float
    cleaned: list[str]
    orphans: list[str]
    damaged: list[str]


def add(toolbox: Toolbox, fleet: Fleet) -> None:
    """Declares them."""
    snapshots = Snapshots(fleet)

    @toolbox.tool("List workers", read_only=True)
    def list_workers(_: Call) -> WorkerList:
        """Your workers and what each is doing, but for cleaned ones. Don't poll: reports arrive by
        themselves.
        """
        everybody = fleet.records.all()
        workers, seen = snapshots.of_own(everybody)
        listed = WorkerList(
            text="",
            workers=[info_from(one) for one in seen],
            tokens_read=sum(one.tokens_read or 0 for one in seen),
            tokens_written=sum(one.tokens_written or 0 for one in seen),
            cost_usd=sum((one.cost_usd or 0.0 for one in seen), 0.0),
            cleaned=[one.id for one in workers if one.cleaned],
            orphans=[one.id for one in fleet.orphans(everybody)],
            damaged=fleet.records.damaged(),
        )
        listed["text"] = _list_text(seen, listed, clean.advice(workers))
        return listed

    @toolbox.tool("Wait for workers", destructive=False)
    def wait_for_workers(
        call: Call,
        ids: Annotated[list[str] | None, About("default: all unfinished")] = None,
        until: Annotated[str, About("all: all finished or in need", wait.UNTIL)] = "any",
        timeout_seconds: Annotated[float, About(f"1 to {wait.MAX_SECONDS}")] = wait.DEFAULT_SECONDS,
    ) -> wait.Waited:
        """Wait until a worker reports or needs you. Only when you have nothing else to do and
        can't end your turn.
        """
        return wait.wait(fleet, call, ids or (), until, timeout_seconds)

    @toolbox.tool("Read worker", read_only=True)
    def read_worker(
        _: Call,
        id: WorkerId,
        what: Annotated[str, About("result: its last report", inspection.WHAT)] = "summary",
        cursor: Annotated[
            str | None, About(f"of the last log, diff or result; log: or {_FIRST}")
        ] = None,
        max_bytes: Annotated[
            int, About(f"at most {inspection.MAX_BYTES}")
        ] = inspection.DEFAULT_BYTES,
    ) -> reading.Seen:
        """Look at a worker: how it stands, its terminal, what it did, changed, or reported."""
        return reading.read(fleet, id, what, cursor or "", max_bytes)


def _list_text(seen: Sequence[Facts], listed: WorkerList, advice: str) -> str:
    lines = [line_of(one) for one in seen] or ["No workers."]
    if cleaned := listed["cleaned"]:
        newest = ", ".join(cleaned[-5:])
        lines.append(f"Cleaned: {len(cleaned)}, last {newest}. restore_worker brings one back.")
    if listed["tokens_read"]:
        used = f"{listed['tokens_read']:,} tokens read, {listed['tokens_written']:,} written"
        lines.append(f"In all: {used}, ${listed['cost_usd']:.2f}{_unpriced(seen)}.")
    if listed["orphans"]:
        ids = ", ".join(listed["orphans"])
        lines.append(f"Workers of sessions that are gone: {ids}. adopt_workers makes them yours.")
    lines += [f"Damaged, can't be read: {path}" for path in listed["damaged"]]
    lines += [for_models(advice)] if advice else []
    return "\n".join(lines)


def _unpriced(seen: Sequence[Facts]) -> str:
    unknown = [one for one in seen if one.tokens_read and one.cost_usd is None]
    return f" without {len(unknown)} whose model has no known price" if unknown else ""
