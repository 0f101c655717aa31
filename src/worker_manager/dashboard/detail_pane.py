"""What is seen of the one worker that is chosen: its terminal, letters, diff or timeline."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from rich.text import Text

from worker_manager.crew.repository import Repository
from worker_manager.dashboard import letters
from worker_manager.dashboard.terminal import coloured, plain
from worker_manager.errors import WorkerManagerError
from worker_manager.state import journal
from worker_manager.state.layout import transcript_of
from worker_manager.state.workers import launches
from worker_manager.views import inspection, log
from worker_manager.views.gatherer import Sighting

TERMINAL, LETTERS, DIFF, TIMELINE = TABS = ("terminal", "letters", "diff", "timeline")
#: What is shown of a timeline, in bytes, and of a diff, in lines.
MAX_BYTES, MAX_LINES = 60_000, 5_000
#: git makes a tree of all files for a diff: not more often than this.
DIFF_SECONDS = 5.0
#: A terminal that showed the same so many times is asked less often, until it shows another thing.
STILL_LOOKS, STILL_SECONDS = 10, 2.0


class View(NamedTuple):
    """What a tab shows of a worker."""

    tab: str
    worker_id: str
    lines: list[Text]
    is_followed: bool
    is_wrapped: bool


class Looker:
    """Looks in a thread of its own; None when nothing has changed since the last look."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.letters = letters.Letters(repository)
        self._stamp: object = None
        self._looked_at = 0.0
        self._screen: object = None
        self._same = 0

    def look(self, tab: str, sighting: Sighting, *, anew: bool) -> View | None:
        """One of TABS. `anew`: even if nothing has changed."""
        stamps: dict[str, Callable[[Sighting], object]] = {
            TERMINAL: lambda _: time.monotonic(),
            LETTERS: lambda _: time.monotonic(),
            DIFF: lambda one: one.facts._replace(reason="", since="", doing=""),
            TIMELINE: self._timeline_size,
        }
        stamp = (tab, sighting.worker.id, stamps[tab](sighting))
        if not anew and (stamp == self._stamp or self.is_early(tab)):
            return None
        self._stamp, self._looked_at = stamp, time.monotonic()
        looks = {
            TERMINAL: self._terminal,
            LETTERS: self._letters,
            DIFF: self._diff,
            TIMELINE: self._timeline,
        }
        try:
            lines = looks[tab](sighting)
        except (WorkerManagerError, OSError) as error:
            lines = plain(f"It can't be read: {error}")
        return View(
            tab,
            sighting.worker.id,
            lines,
            is_followed=tab != DIFF,
            is_wrapped=tab in (LETTERS, TIMELINE),
        )

    def is_early(self, tab: str) -> bool:
        """Whether a tab that is open need not be looked at yet."""
        seconds = time.monotonic() - self._looked_at
        if tab == TERMINAL:
            return self._same >= STILL_LOOKS and seconds < STILL_SECONDS
        return tab == DIFF and seconds < DIFF_SECONDS

    def _terminal(self, sighting: Sighting) -> list[Text]:
        worker = sighting.worker
        screen = self._repository.fleet_of(worker).live_screen(worker)
        self._same = self._same + 1 if (worker.id, screen) == self._screen else 0
        self._screen = (worker.id, screen)
        if screen is not None:
            lines = [coloured(line) for line in screen.lines]
            while lines and not lines[-1].plain.strip():
                lines.pop()
            return lines
        kept = launches.read_pane(self._repository.records.home(worker.id))
        if kept:
            return [
                *plain(kept.rstrip()),
                Text(),
                Text("Its terminal is gone; this it showed last."),
            ]
        return plain("Nothing of its terminal is known: it is gone, or tmux is silent.")

    def _letters(self, sighting: Sighting) -> list[Text]:
        found = self.letters.of(sighting.worker)
        return letters.lines(found, "") or plain("No letters so far.")

    def _diff(self, sighting: Sighting) -> list[Text]:
        given = inspection.changes(sighting.worker).split("\n")
        shown = [_of_diff(line) for line in given[:MAX_LINES]]
        if len(given) > MAX_LINES:
            shown.append(Text(f"[{len(given) - MAX_LINES:,} more lines]"))
        return shown if any(given) else plain("Nothing differs from its base.")

    def _timeline(self, sighting: Sighting) -> list[Text]:
        fleet = self._repository.fleet_of(sighting.worker)
        view = log.read(fleet, sighting.worker, "", MAX_BYTES)
        return plain(view.text) if view.text else plain("Nothing is known of what it did.")

    def _timeline_size(self, sighting: Sighting) -> object:
        home = self._repository.records.home(sighting.worker.id)
        return [_size(path) for path in (transcript_of(home), journal.path_of(home))]


def _of_diff(line: str) -> Text:
    styles = {"+": "green", "-": "red", "@": "cyan"}
    is_name = line.startswith(("diff ", "+++ ", "--- "))
    text = line.expandtabs(4)
    return Text(text, style="bold" if is_name else styles.get(line[:1], ""), no_wrap=True, end="")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
