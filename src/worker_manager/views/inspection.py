"""What can be seen of a worker: its record and work, its terminal, what it did, what it changed,
its last report.
"""

from __future__ import annotations

from collections.abc import Callable

from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput, WorkerManagerError, WorktreeGone
from worker_manager.state import pages
from worker_manager.text import rendering
from worker_manager.views import log
from worker_manager.views.portions import View, bad_cursor, beginning, end_of
from worker_manager.worktrees import bases, diffs, own
from worker_manager.worktrees import changes as worktree_changes

DEFAULT_BYTES, MIN_BYTES, MAX_BYTES = 8_000, 2_000, 45_000


def look(fleet: Fleet, worker_id: str, what: str, cursor: str, room: int) -> View:
    """One of `WHAT`, in so much room (`formatting.room_of`). Raises InvalidInput."""
    if what not in _LOOKS:
        raise InvalidInput(f"what is {what!r}. Choose one of: {', '.join(WHAT)}.")
    if cursor and what not in WITH_CURSOR:
        raise InvalidInput(
            f"what={what} has no cursor; it goes with {', '.join(WITH_CURSOR)}. Leave it out."
        )
    return _LOOKS[what](fleet, fleet.look_at(worker_id), cursor, room)


def _summary(_fleet: Fleet, worker: Worker, _cursor: str, room: int) -> View:
    work, files = _work(worker)
    said = beginning("\n".join([*_record(worker), work]), room // 2)
    room -= rendering.room_of(said)
    report = worker.report
    found = f"Found when it completed:\n{worker.evidence}\n" if worker.evidence else files
    text = beginning(rendering.clean(found), room // 3)
    if report is not None:
        text += f"\nIts last report ({report.type}, {report.at}):\n"
        text += beginning(rendering.clean(report.text), room - rendering.room_of(text) - 100)
    return View(worker, said, text.strip("\n"))


def _record(worker: Worker) -> list[str]:
    """Where it stands, in our words."""
    reason = f" ({rendering.one_line(worker.reason)[:300]})" if worker.reason else ""
    lines = [f"Title: {worker.title}", f"{worker.status.value} since {worker.changed_at}{reason}"]
    if worker.branch:
        base = f"{worker.base_branch} at {worker.base_sha[:12]}"
        lines.append(f"Branch {worker.branch} from {base}, in {worker.path}")
    else:
        lines.append(f"It works in {worker.path} itself.")
    if worker.merge and worker.merge.done:
        lines.append(f"Merged into {worker.merge.into} ({worker.merge.sha[:12]})")
    if worker.cleaned:
        lines.append(
            f"Cleaned; {worker.cleaned} holds it but for ignored files; a restore brings it back"
        )
    return lines + ([f"Missing: {worker.missing}"] if worker.missing else [])


def _work(worker: Worker) -> tuple[str, str]:
    """How much it has done, and in which files."""
    try:
        work = worktree_changes.describe(own.look(worker.path, worker.branch), worker.base_sha)
    except WorkerManagerError as error:
        return f"Its work can't be described: {rendering.one_line(str(error))[:300]}", ""
    commits = f"{work.commits} commit{'s' if work.commits != 1 else ''} since its base, "
    files = f"{work.uncommitted} uncommitted file{'s' if work.uncommitted != 1 else ''}."
    changed = f"Committed:\n{rendering.clean(work.diffstat)}\n" if work.diffstat else ""
    return (commits if worker.base_sha else "") + files, changed


def _screen(fleet: Fleet, worker: Worker, _: str, room: int) -> View:
    screen = rendering.clean(fleet.screen(worker))
    if not screen:
        return View(worker, "Nothing of its terminal is known: it is gone, or tmux is silent.", "")
    shown = end_of(screen, room)
    left_out = "" if shown == screen else " (the end of it)"
    return View(worker, f"Its terminal shows{left_out}:", shown)


def _result(_fleet: Fleet, worker: Worker, cursor: str, room: int) -> View:
    report = worker.report
    if report is None:
        return View(worker, "It has reported nothing so far.", "")
    told_of, _, offset = (cursor or f"{report.message_id}-0").partition("-")
    text = rendering.clean(report.text)
    if told_of != report.message_id or not offset.isdecimal() or int(offset) > len(text):
        raise bad_cursor(cursor, "its last report")
    begin = int(offset)
    end = begin + rendering.fitting(text[begin:], room)
    said = f"Its last report ({report.type}, {report.at}), characters {begin:,} to {end:,} of "
    view = View(worker, f"{said}{len(text):,}:", text[begin:end])
    if end == len(text):
        return view
    return view._replace(cursor=f"{report.message_id}-{end}", more=True)


def _diff(fleet: Fleet, worker: Worker, cursor: str, room: int) -> View:
    """Taken when it is asked for without a cursor, and read on as it was then."""
    home = fleet.records.home(worker.id)
    if cursor:
        tag, _, offset = cursor.partition("-")
        kept = pages.read(home, tag)
        text = "" if kept is None else kept
    else:
        text, offset = changes(worker), "0"
        tag = pages.keep(home, text)
    if not offset.isdecimal() or int(offset) > len(text) or (cursor and not text):
        raise bad_cursor(cursor, "its diff")
    if not text:
        return View(worker, f"Nothing differs from its base, {worker.base_sha[:12] or 'HEAD'}.", "")
    begin = int(offset)
    end = begin + rendering.fitting(text[begin:], room)
    base = worker.base_sha[:12] or "HEAD"
    said = f"What differs from its base, {base}, committed or not, without ignored files; "
    view = View(worker, f"{said}characters {begin:,} to {end:,} of {len(text):,}:", text[begin:end])
    return view if end == len(text) else view._replace(cursor=f"{tag}-{end}", more=True)


def changes(worker: Worker) -> str:
    """Its diff, cleaned; only looks. Raises WorktreeRefused."""
    try:
        worktree = own.look(worker.path, worker.branch)
    except WorktreeGone:
        checkout = str(bases.main_checkout(worker.project))
        tip = worker.cleaned or f"refs/heads/{worker.branch}"
        text = diffs.of_commit(checkout, tip, worker.base_sha)
    else:
        text = diffs.of_worktree(worktree, worker.base_sha)
    return rendering.clean(text.encode("utf-8", "replace").decode("utf-8"))


_LOOKS: dict[str, Callable[[Fleet, Worker, str, int], View]] = {
    "summary": _summary,
    "screen": _screen,
    "log": log.read,
    "diff": _diff,
    "result": _result,
}
WHAT = tuple(_LOOKS)
WITH_CURSOR = ("log", "diff", "result")
