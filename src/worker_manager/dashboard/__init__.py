"""The live view of a repository's workers, for people: in the terminal, or in a browser."""

from __future__ import annotations

import gc

from worker_manager.crew.repository import Repository
from worker_manager.crew.supervision.background import BackgroundSupervisor


def run(repository: Repository, *, web: bool = False, port: int | None = None) -> int:
    """Shows it until the person leaves, and supervises the workers started from terminals as long;
    the exit code. `web`: in a browser, from this machine alone, on a free port unless one is given.
    Raises InvalidInput.
    """
    with BackgroundSupervisor(repository.terminal_supervisor):
        # aiohttp is for the browser alone.
        if web:
            from worker_manager.dashboard.web import serve

            return serve(repository, port)
        # What is loaded stays: looking through it for garbage takes a quarter of the start. The
        # view turns that on again behind its first screen.
        gc.disable()
        from worker_manager.dashboard.app import WatchApp

        return int(WatchApp(repository).run() or 0)
