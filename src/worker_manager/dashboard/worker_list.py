"""The list of workers: a line for each, one of them chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from worker_manager.dashboard.worker_row import Tones, row
from worker_manager.views.gatherer import Sighting


class Crew(ScrollView, can_focus=True):
    """Shows any number of workers: only the lines that are seen are made."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000)", "First", show=False),
        Binding("end", "move(1000000)", "Last", show=False),
    ]

    class Chosen(Message):
        """Another worker was chosen."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: Sequence[Sighting] = ()
        self._place = 0

    @property
    def chosen(self) -> Sighting | None:
        """The worker that is chosen, as it was seen last."""
        return self._shown[self._place] if self._shown else None

    @property
    def visible_ids(self) -> list[str]:
        """Those of the workers whose lines can be seen."""
        top, height = self.scroll_offset.y, self.size.height
        return [one.worker.id for one in self._shown[top : top + height]]

    def show(self, sightings: Sequence[Sighting]) -> None:
        """These, in this order; the worker that was chosen stays chosen, and in sight."""
        before, place = self.chosen.worker.id if self.chosen else "", self._place
        ids = [one.worker.id for one in sightings]
        self._shown = sightings
        if before in ids:
            self._place = ids.index(before)
        self._place = max(0, min(self._place, len(ids) - 1))
        self.virtual_size = Size(0, len(ids))
        self.styles.height = max(1, len(ids))
        self.refresh()
        if self._place != place:
            self._see()
        if (self.chosen.worker.id if self.chosen else "") != before:
            self._tell()

    def choose(self, worker_id: str) -> None:
        """The worker of this id, when it is shown."""
        ids = [one.worker.id for one in self._shown]
        if worker_id in ids:
            self._go_to(ids.index(worker_id))

    def action_move(self, by: int) -> None:
        """So many lines down."""
        self._go_to(self._place + by)

    def action_page(self, by: int) -> None:
        """So many pages down."""
        self._go_to(self._place + by * max(1, self.size.height - 1))

    def on_click(self, event: events.Click) -> None:
        """Chooses what was clicked at."""
        if event.y + self.scroll_offset.y < len(self._shown):
            self._go_to(event.y + self.scroll_offset.y)

    def render_line(self, y: int) -> Strip:
        """One line of what is seen."""
        width = self.scrollable_content_region.width
        place = self.scroll_offset.y + y
        if place >= len(self._shown):
            return Strip.blank(width, self.rich_style)
        name = "crew--chosen" if place == self._place else "crew--line"
        style = self.get_component_rich_style(name)
        text = row(self._shown[place], width, self._tones())
        strip = Strip(text.render(self.app.console))
        return strip.crop_extend(0, width, style).apply_style(style)

    COMPONENT_CLASSES: ClassVar[set[str]] = {"crew--line", "crew--chosen"}

    def _tones(self) -> Tones:
        colours = self.app.theme_variables
        return Tones(colours["text-warning"], colours["text-error"], colours["text-success"], "")

    def _go_to(self, place: int) -> None:
        place = max(0, min(place, len(self._shown) - 1))
        if place != self._place and self._shown:
            self._place = place
            self._see()
            self.refresh()
            self._tell()

    def _see(self) -> None:
        """Keys act on the chosen one: it is to be seen."""
        self.scroll_to_region(Region(0, self._place, 1, 1), animate=False, force=True)

    def _tell(self) -> None:
        self.post_message(self.Chosen())
