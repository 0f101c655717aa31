"""The live view as a test drives it: through Textual's pilot, on real state."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from tests.support.waiting import WAIT_SECONDS
from worker_manager.crew.repository import Repository
from worker_manager.dashboard.app import WatchApp
from worker_manager.dashboard.page import Page
from worker_manager.dashboard.worker_list import Crew
from worker_manager.state.layout import state_root


def script(*steps: dict[str, object]) -> str:
    """A task for the scripted agent."""
    return f"```steps\n{json.dumps(steps)}\n```"


def repository_at(project: Path, socket: str, **environ: str) -> Repository:
    """As a person sees it who is in that directory."""
    given = {"WORKER_MANAGER_TMUX_SOCKET": socket, "WORKER_MANAGER_AGENT": "scripted"}
    settings = {f"WORKER_MANAGER_{name}": value for name, value in environ.items()}
    return Repository(state_root(), str(project), {**given, **settings})


class Watched:
    """A live view that runs."""

    def __init__(self, app: WatchApp, pilot: Pilot[int]) -> None:
        self.app, self._pilot = app, pilot

    async def press(self, *keys: str) -> None:
        """Presses keys."""
        await self._pilot.press(*keys)
        await self._pilot.pause()

    async def type(self, text: str) -> None:
        """Types a text, and Enter."""
        names = {" ": "space", ".": "full_stop"}
        await self.press(*(names.get(letter, letter) for letter in text), "enter")

    async def until(self, look: Callable[[], object], missing: str = "") -> None:
        """Waits until there is something; fails with what is seen instead."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not look():
            if time.monotonic() > deadline:
                raise AssertionError(f"{missing} is missing in:\n{self.screen}\n{self.toasts}")
            await self._pilot.pause(0.03)

    async def sees(self, *texts: str) -> None:
        """Waits until all of them stand on the screen, or in a note on it."""
        for text in texts:
            await self.until(lambda text=text: text in f"{self.screen}\n{self.toasts}", text)

    @property
    def screen(self) -> str:
        """What a person can read, line by line."""
        return screen_of(self.app)

    @property
    def toasts(self) -> str:
        """The notes that were shown since they were cleared last."""
        return "\n".join(note.message for note in self.app._notifications)

    @property
    def page(self) -> str:
        """All of the text of the tab that is open."""
        return self.app.screen_stack[0].query_one(Page).text

    @property
    def titles(self) -> list[str]:
        """Of the workers in the list, from the top."""
        return [one.facts.title for one in self.app.screen_stack[0].query_one(Crew)._shown]


@asynccontextmanager
async def watching(
    repository: Repository, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Watched]:
    """A live view of a repository, as long as it is held."""
    app = WatchApp(repository, is_light_terminal=False)
    async with app.run_test(size=size) as pilot:
        yield Watched(app, pilot)


def screen_of(app: App[int]) -> str:
    """The lines that stand on the screen, without blanks at their ends."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def files_below(folder: str) -> dict[str, tuple[int, str]]:
    """Each file with its time and a digest of its content, each directory with its entries."""
    found = {}
    for parent, folders, names in os.walk(folder):
        found[parent] = (0, " ".join(sorted([*folders, *names])))
        for name in names:
            path = Path(parent, name)
            found[str(path)] = (
                path.lstat().st_mtime_ns,
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            )
    return found


def statics(app: App[int], names: Sequence[str]) -> list[str]:
    """The texts of lines of the first screen."""
    return [str(app.screen_stack[0].query_one(name, Static).render()) for name in names]
