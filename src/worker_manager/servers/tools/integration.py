"""Tools that bring workers' work together, and take away what is done with."""

from __future__ import annotations

from typing import Annotated, TypedDict

from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration import merge as merges
from worker_manager.crew.integration.clean import CleanOptions
from worker_manager.crew.integration.clean import CleanResult as Cleaned
from worker_manager.crew.integration.merge import Merged, MergeOptions
from worker_manager.domain import identifiers
from worker_manager.errors import MergeRefused
from worker_manager.servers.call import Call
from worker_manager.servers.toolbox import About, Result, Toolbox
from worker_manager.text import rendering
from worker_manager.text.rendering import for_models
from worker_manager.views import announcements


class MergeInfo(TypedDict):
    """A worker whose branch is in."""

    id: str
    into: str
    sha: str
    strategy: str
    notes: list[str]


class MergeResult(Result):
    """In the order in which they went in."""

    merged: list[MergeInfo]


class CleanInfo(TypedDict):
    """What became of a worker: `kept_because` is empty when it is, or would be, cleaned."""

    id: str
    name: str
    kept_because: str
    freed_bytes: int
    saved: str


class CleanResult(Result):
    """All that were looked at."""

    workers: list[CleanInfo]
    freed_bytes: int


def add(toolbox: Toolbox, fleet: Fleet) -> None:
    """Declares them."""

    @toolbox.tool("Merge worker", destructive=False)
    def merge_worker(
        _: Call,
        ids: Annotated[list[str], About("in this order; stops at the first that fails")],
        strategy: Annotated[str, About(choices=merges.STRATEGIES)] = "merge",
        into: Annotated[str | None, About("default: the branch it started from")] = None,
        checks: Annotated[
            list[str] | None,
            About("shell commands run in the checkout; one that fails undoes the merge"),
        ] = None,
    ) -> MergeResult:
        """Merge finished workers' branches, each whole or not at all. Conflicts change nothing."""
        merged = _merge_all(fleet, ids, MergeOptions(strategy, into or "", checks or ()))
        infos = [_merge_info(one) for one in merged]
        return MergeResult(text=_merge_text(merged), merged=infos)

    @toolbox.tool("Clean workers", destructive=True)
    def clean_workers(
        _: Call,
        ids: Annotated[list[str] | None, About("default: all finished")] = None,
        dry_run: Annotated[bool, About("only tell what would go")] = False,
        force: Annotated[bool, About("unmerged or uncommitted work, too; ask your user")] = False,
    ) -> CleanResult:
        """Remove worktree, branch and terminal of finished, merged workers; restore_worker brings
        one back.
        """
        outcomes = fleet.clean(CleanOptions(ids or (), dry_run, force))
        infos = [_clean_info(one) for one in outcomes]
        freed = sum(one.freed for one in outcomes)
        text = announcements.cleaned(outcomes, for_models, is_dry_run=dry_run)
        return CleanResult(text=text, workers=infos, freed_bytes=freed)


def _merge_all(fleet: Fleet, ids: list[str], options: MergeOptions) -> list[Merged]:
    """As `Fleet.merge_all`, its errors with what is shown of them."""
    try:
        return fleet.merge_all(ids, options)
    except MergeRefused as error:
        shown = rendering.fenced(rendering.clean(error.shown), identifiers.new_message_id())
        raise MergeRefused(rendering.clean(for_models(error.text)) + shown) from error


def _merge_info(merged: Merged) -> MergeInfo:
    merge = merged.merge
    return MergeInfo(
        id=merged.worker.id,
        into=merge.into,
        sha=merge.sha,
        strategy=merge.strategy,
        notes=[rendering.clean(note) for note in merged.notes],
    )


def _merge_text(merged: list[Merged]) -> str:
    parts = [
        announcements.merged(one)
        + rendering.fenced(rendering.clean(one.changed[:4_000]), identifiers.new_message_id())
        for one in merged
    ]
    ids = ", ".join(f'"{one.worker.id}"' for one in merged)
    return "\n".join([*parts, f"clean_workers(ids=[{ids}]) removes their worktrees and branches."])


def _clean_info(outcome: Cleaned) -> CleanInfo:
    worker = outcome.worker
    return CleanInfo(
        id=worker.id,
        name=worker.name,
        kept_because=rendering.clean(for_models(outcome.why_not)),
        freed_bytes=outcome.freed,
        saved=worker.cleaned.removeprefix("-"),
    )
