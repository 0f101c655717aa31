"""Rings for the events of `bells`, from the running view."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.app import App

from worker_manager.config import Settings
from worker_manager.dashboard import bells
from worker_manager.dashboard.bells import Event
from worker_manager.views.gatherer import Sighting


class Ringing:
    """By all the ways that the settings name, and a note on the screen."""

    def __init__(self, app: App[Any], settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._bells = bells.Bells()

    def new(self, sightings: Iterable[Sighting]) -> list[Event]:
        """What has happened since the last look."""
        return self._bells.new(sightings)

    def ring(self, event: Event) -> None:
        """Once. What may take long is done beside."""
        self._app.notify(event.sentence, title="Needs you", severity="warning", markup=False)
        if self._settings.notify_bell:
            self._app.bell()
        self._app.run_worker(partial(self._tell, event), thread=True, group="ring")

    def _tell(self, event: Event) -> None:
        if self._settings.notify_desktop and not bells.show_on_desktop(event):
            self._app.call_later(self._ask_terminal, event)
        wrong = bells.tell(self._settings, event)
        if wrong:
            self._app.call_later(partial(self._app.notify, wrong, severity="error", markup=False))

    def _ask_terminal(self, event: Event) -> None:
        # Through Textual's own writer: in the middle of one of its codes ours would break both.
        driver = self._app._driver
        if driver is not None and not self._app.is_headless and not self._app.is_web:
            driver.write(bells.escape_code(event))
