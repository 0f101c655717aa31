"""What can be seen of a worker: its record and work, its terminal, what it did, what it changed,
its last report.
"""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from worker_manager.agents import agent_in_record
from worker_manager.agents.base import Agent
from worker_manager.crew.fleet import Fleet
from worker_manager.domain import identifiers
from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput, WorkerManagerError, WorktreeGone
from worker_manager.state import journal, pages
from worker_manager.state.layout import transcript_of
from worker_manager.text import figures, line_files, rendering
from worker_manager.worktrees import bases, diffs, own
from worker_manager.worktrees import changes as worktree_changes

DEFAULT_BYTES, MIN_BYTES, MAX_BYTES = 8_000, 2_000, 45_000
#: Where a log begins that is asked for from its beginning.
BEGINNING = "start"
#: What one look at a log reads of a transcript, about; without a cursor that is its end.
SCAN_BYTES = 2_000_000
LAST_BYTES = 300_000


class View(NamedTuple):
    """A worker's own text, unfenced; what we say of it; where the next one goes on, and whether
    there is more by now.
    """

    worker: Worker
    said: str
    text: str
    cursor: str = ""
    more: bool = False


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
    said = _beginning("\n".join([*_record(worker), work]), room // 2)
    room -= rendering.room_of(said)
    report = worker.report
    found = f"Found when it completed:\n{worker.evidence}\n" if worker.evidence else files
    text = _beginning(rendering.clean(found), room // 3)
    if report is not None:
        text += f"\nIts last report ({report.type}, {report.at}):\n"
        text += _beginning(rendering.clean(report.text), room - rendering.room_of(text) - 100)
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
    shown = _end(screen, room)
    left_out = "" if shown == screen else " (the end of it)"
    return View(worker, f"Its terminal shows{left_out}:", shown)


def _result(_fleet: Fleet, worker: Worker, cursor: str, room: int) -> View:
    report = worker.report
    if report is None:
        return View(worker, "It has reported nothing so far.", "")
    told_of, _, offset = (cursor or f"{report.message_id}-0").partition("-")
    text = rendering.clean(report.text)
    if told_of != report.message_id or not offset.isdecimal() or int(offset) > len(text):
        raise _bad(cursor, "its last report")
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
        raise _bad(cursor, "its diff")
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


class _Source(NamedTuple):
    """One of the two files of a log, and how far it was read."""

    number: int
    path: str
    offset: int


class _Event(NamedTuple):
    at: str
    source: int
    texts: tuple[str, ...]
    end: int


def log(fleet: Fleet, worker: Worker, cursor: str, room: int) -> View:
    """What it did, by its transcript and its journal; only looks. Raises InvalidInput."""
    home = fleet.records.home(worker.id)
    paths = (transcript_of(home), journal.path_of(home))
    agent = agent_in_record(worker.agent)
    begun = _offsets(agent, paths, cursor)
    sources = [_Source(*source) for source in zip((0, 1), paths, begun, strict=True)]
    events = heapq.merge(
        *(_events(agent, source) for source in sources), key=lambda event: event.at
    )
    if cursor:
        lines, offsets, more = _as_fit(events, begun, room)
    else:
        lines, offsets, more = _newest(events, begun, room)
    text = "\n".join(lines)
    said = "What it did, oldest first:" if lines else "Nothing more has happened."
    if not cursor:
        said += f' For all of it start with cursor="{BEGINNING}".'
    if not os.path.exists(paths[0]):
        said += " Its session's transcript is not there."
    return View(worker, said, text, f"{_tag(paths[0])}-{offsets[0]}-{offsets[1]}", more)


def _events(agent: Agent, source: _Source) -> Iterator[_Event]:
    """Of one file, as they are asked for. One that can't be read has none."""
    read = journal.events if source.number else agent.entries
    try:
        for entry in read(source.path, source.offset):
            yield _Event(entry[0], source.number, entry[1], entry[2])
    except OSError:
        return


def _as_fit(
    events: Iterator[_Event], begun: tuple[int, int], room: int
) -> tuple[list[str], list[int], bool]:
    """From the oldest on, as many as there is room for; how far that was, whether there is more."""
    lines: list[str] = []
    offsets = list(begun)
    for event in events:
        new = _lines(event)
        needed = sum(rendering.room_of(f"{line}\n") for line in new)
        if lines and needed > room:
            return lines, offsets, True
        if needed > room:
            new = [_beginning("; ".join(new), room - 100)]
        room -= needed
        offsets[event.source] = event.end
        lines += new
        if event.source == 0 and event.end - begun[0] > SCAN_BYTES:
            return lines, offsets, True
    return lines, offsets, False


def _newest(
    events: Iterator[_Event], begun: tuple[int, int], room: int
) -> tuple[list[str], list[int], bool]:
    """The last ones, as many as there is room for."""
    lines: list[str] = []
    offsets = list(begun)
    for event in events:
        offsets[event.source] = event.end
        lines += _lines(event)
    kept = len(lines)
    while kept and (room := room - rendering.room_of(f"{lines[kept - 1]}\n")) >= 0:
        kept -= 1
    return lines[kept:], offsets, False


def _lines(event: _Event) -> list[str]:
    # By the clock here, as letters are shown to people.
    return [f"{figures.time_of_day(event.at)} {text}".strip() for text in event.texts]


def _offsets(agent: Agent, paths: tuple[str, str], cursor: str) -> tuple[int, int]:
    """Where to begin in each file. Raises InvalidInput."""
    if cursor == BEGINNING:
        return 0, 0
    if not cursor:
        return _last(agent.last_part, paths[0]), _last(line_files.last_part, paths[1])
    found = re.fullmatch(r"([0-9a-f]{6})-(\d{1,18})-(\d{1,18})", cursor)
    # A worker that has just started has no transcript yet.
    if not found or found[1] not in (_tag(paths[0]), _tag("")):
        raise _bad(cursor, "its log")
    offsets = int(found[2]), int(found[3])
    starts = (agent.is_entry_start, line_files.is_line_start)
    if not all(map(_is_start, starts, paths, offsets)):
        raise _bad(cursor, "its log")
    return offsets


def _last(last_part: Callable[[str, int], int], path: str) -> int:
    try:
        return last_part(path, LAST_BYTES)
    except OSError:
        return 0


def _is_start(is_start: Callable[[str, int], bool], path: str, offset: int) -> bool:
    try:
        return is_start(path, offset)
    except OSError:
        return True  # it is gone: nothing will be read


def _tag(path: str) -> str:
    """A new transcript has other offsets."""
    return identifiers.digest(os.fsencode(path))[:6]


def _bad(cursor: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"cursor {cursor[:100]!r} is none of {what} as it is now. Give the cursor of the last "
        "result, or leave it out."
    )


def _beginning(text: str, room: int) -> str:
    kept = rendering.fitting(text, room)
    return text if kept == len(text) else f"{text[:kept]}\n[... {len(text) - kept:,} more]"


def _end(text: str, room: int) -> str:
    """Its last whole lines; of a line that is too long its end."""
    kept = rendering.fitting(text[::-1], room)
    if kept == len(text):
        return text
    shown = text[len(text) - kept :]
    return shown.partition("\n")[2] or shown


_LOOKS: dict[str, Callable[[Fleet, Worker, str, int], View]] = {
    "summary": _summary,
    "screen": _screen,
    "log": log,
    "diff": _diff,
    "result": _result,
}
WHAT = tuple(_LOOKS)
WITH_CURSOR = ("log", "diff", "result")
