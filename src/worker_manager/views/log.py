"""What a worker did: its transcript and its journal, as short lines."""

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
from worker_manager.state import journal
from worker_manager.state.layout import transcript_of
from worker_manager.text import figures, line_files, rendering
from worker_manager.views.portions import View, bad_cursor, beginning

#: Where a log begins that is asked for from its beginning.
BEGINNING = "start"
#: What one look at a log reads of a transcript, about; without a cursor that is its end.
SCAN_BYTES = 2_000_000
LAST_BYTES = 300_000


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


def read(fleet: Fleet, worker: Worker, cursor: str, room: int) -> View:
    """What a worker did, from a cursor on; only looks. Raises InvalidInput."""
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
            new = [beginning("; ".join(new), room - 100)]
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
        raise bad_cursor(cursor, "its log")
    offsets = int(found[2]), int(found[3])
    starts = (agent.is_entry_start, line_files.is_line_start)
    if not all(map(_is_start, starts, paths, offsets)):
        raise bad_cursor(cursor, "its log")
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
