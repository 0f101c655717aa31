"""A long text that can be scrolled: only the lines that are seen are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Page(ScrollView, can_focus=True):
    """Lines of text, wrapped or not. Its place stays when new lines come; at the end it follows."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wrap = True
        self._given: Sequence[Text] = ()
        self._lines: list[Text] = []

    @property
    def text(self) -> str:
        """All of it, as it is wrapped."""
        return "\n".join(line.plain for line in self._lines)

    def show(
        self,
        lines: Sequence[Text],
        *,
        wrap: bool = True,
        follow: bool = False,
        anew: bool = False,
    ) -> None:
        """In the place of what was there. `follow`: its end, as long as the person is there;
        `anew`: it is another text, from its beginning or its end.
        """
        was_at_end = anew or self.scroll_offset.y >= self.max_scroll_y
        if not anew and list(lines) == list(self._given):
            return
        self._given, self._wrap = lines, wrap
        self._lay()
        if follow and was_at_end:
            self.scroll_to(x=0 if anew else None, y=len(self._lines), animate=False, force=True)
        elif anew:
            self.scroll_to(x=0, y=0, animate=False, force=True)

    def on_resize(self) -> None:
        """Wrapped lines depend on the width."""
        if self._wrap:
            self._lay()

    def render_line(self, y: int) -> Strip:
        """One line of what is seen."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        if top + y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        strip = Strip(self._lines[top + y].render(self.app.console))
        return strip.crop_extend(left, left + width, self.rich_style).apply_style(self.rich_style)

    def _lay(self) -> None:
        width = max(10, self.scrollable_content_region.width)
        if self._wrap:
            console = self.app.console
            self._lines = [part for line in self._given for part in line.wrap(console, width)]
        else:
            self._lines = list(self._given)
        widest = 0 if self._wrap else max((line.cell_len for line in self._lines), default=0)
        self.virtual_size = Size(widest, len(self._lines))
        self.refresh()
