"""What the live view asks the person, each on a screen of its own above the others."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from worker_manager.dashboard.attention import word_for
from worker_manager.dashboard.page import Page
from worker_manager.dashboard.terminal import plain
from worker_manager.text import rendering
from worker_manager.views.gatherer import Sighting

T = TypeVar("T")


class Prompt(ModalScreen[T | None]):
    """A title, a text that can be scrolled, and what can be said to it. Escape says nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    #: Lines that are taken by what is not the text.
    FRAME: ClassVar[int] = 7

    def __init__(self, title: str, body: str, about: Sighting | None = None) -> None:
        super().__init__()
        self._title, self._body, self._about = rendering.one_line(title), body, about

    def compose(self) -> ComposeResult:
        """The common frame; what is special comes from `answers`."""
        with Vertical(id="prompt"):
            yield Label(self._title, id="prompt-title", markup=False)
            yield Page(id="prompt-body")
            yield Label("", id="prompt-news", markup=False)
            yield from self.answers()

    def answers(self) -> ComposeResult:
        """Where the person says it."""
        yield Label("Escape goes back.", markup=False)

    def on_mount(self) -> None:
        """The text is laid out once its width is known."""
        self.query_one("#prompt-news").display = False
        self.call_after_refresh(self._show_body)

    def tell(self, sighting: Sighting | None) -> None:
        """How the worker stands that this is about; None when it is gone."""
        if self._about is None:
            return
        before, now = word_for(self._about), word_for(sighting) if sighting else "gone"
        news = self.query_one("#prompt-news", Label)
        news.display = now != before
        news.update(f"Meanwhile it is {now} (it was {before}).")

    @property
    def about_id(self) -> str:
        """The worker that this is about."""
        return self._about.worker.id if self._about else ""

    def action_leave(self) -> None:
        """Nothing was said."""
        self.dismiss(None)

    def _show_body(self) -> None:
        page = self.query_one("#prompt-body", Page)
        page.show(plain(self._body), anew=True)
        page.styles.height = max(1, min(page.virtual_size.height, self.size.height - self.FRAME))


class Told(Prompt[None]):
    """Something to read."""

    def on_mount(self) -> None:
        """Its text can be scrolled at once."""
        super().on_mount()
        self.query_one(Page).focus()


class Say(Prompt[str]):
    """Asks for a text."""

    FRAME = 10

    def answers(self) -> ComposeResult:
        """One line; Enter sends it."""
        yield Input(placeholder="Enter sends, Escape goes back", id="said")

    def on_mount(self) -> None:
        """One may type at once."""
        super().on_mount()
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """An empty line is no text."""
        if event.value.strip():
            self.dismiss(event.value)


class Choose(Prompt[str]):
    """Asks for one of some answers. A letter goes to its button, Enter presses it: letters that
    were meant for something else do nothing.
    """

    FRAME = 9

    def __init__(
        self, title: str, body: str, about: Sighting | None, choices: dict[str, str]
    ) -> None:
        """`choices`: the words, by the letter of each."""
        super().__init__(title, body, about)
        self._choices = choices

    def answers(self) -> ComposeResult:
        """A button for each."""
        with Horizontal(id="choices"):
            for key, word in self._choices.items():
                yield Button(f"({key}) {word}", id=f"choose-{key}", compact=True)
        yield Label("A letter, then Enter. Escape goes back.", markup=False)

    def on_mount(self) -> None:
        """The text has the focus, no button."""
        super().on_mount()
        self.query_one(Page).focus()
        for key in self._choices:
            self._bindings.bind(key, f"go_to('{key}')")

    def action_go_to(self, key: str) -> None:
        """To the button of a letter."""
        self.query_one(f"#choose-{key}").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """What was chosen."""
        self.dismiss(str(event.button.id).removeprefix("choose-"))
