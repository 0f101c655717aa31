"""The live view without its keys: it looks in threads of its own, and shows what they found."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path

from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.driver import Driver
from textual.message import Message
from textual.widgets import Footer, Input, Static, Tab, Tabs

from worker_manager.crew.repository import Repository
from worker_manager.dashboard import texts, worker_row
from worker_manager.dashboard.alerts import Ringing
from worker_manager.dashboard.attention import need_of, ordered, word_for
from worker_manager.dashboard.background import is_light
from worker_manager.dashboard.detail_pane import TABS, Looker, View
from worker_manager.dashboard.page import Page
from worker_manager.dashboard.prompts import Prompt
from worker_manager.dashboard.worker_list import Crew
from worker_manager.text import rendering
from worker_manager.text.figures import age, amount
from worker_manager.text.output import whole
from worker_manager.views.gatherer import Gathered, Gatherer, Sighting

#: From one look to the next: at the records, at the chosen worker, at git, at the runtime.
GATHER_SECONDS, LOOK_SECONDS, MEASURE_SECONDS, PROBE_SECONDS = 1.0, 0.5, 1.0, 3.0


class Found(Message):
    """What a thread hands over to the screen."""

    def __init__(self, show: Callable[[], None]) -> None:
        super().__init__()
        self.show = show


class Looking(App[int]):
    """Shows all workers, and one of them closer."""

    CSS_PATH = "watch.tcss"
    TITLE = "worker-manager"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = "#crew"
    ESCAPE_TO_MINIMIZE = False

    def __init__(self, repository: Repository, *, is_light_terminal: bool | None = None) -> None:
        super().__init__()
        self.repository = repository
        self.gatherer = Gatherer(repository)
        self.looker = Looker(repository)
        self.ringing = Ringing(self, repository.settings)
        self.gathered = Gathered()
        self.finds = ""
        self.shows_cleaned = False
        self._busy: set[str] = set()
        self._drawn: tuple[object, ...] = ()
        self._viewed: tuple[str, str] = ("", "")
        light = is_light() if is_light_terminal is None else is_light_terminal
        self.theme = "textual-light" if light else "textual-dark"

    def get_driver_class(self) -> type[Driver]:
        """The usual one, to which nothing goes that it can't encode."""
        usual = super().get_driver_class()

        def write(driver: Driver, data: str) -> None:
            usual.write(driver, whole(data))

        return type(usual.__name__, (usual,), {"write": write})

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static(id="head", markup=False)
        yield Static(id="trouble", markup=False)
        yield Static(id="heading")
        yield Crew(id="crew")
        yield Static(id="empty", markup=False)
        yield Input(id="find", placeholder="name, status, branch or id", compact=True)
        yield Static(id="about", markup=False)
        yield Tabs(*(Tab(f"{n} {tab}", id=tab) for n, tab in enumerate(TABS, 1)), id="tabs")
        yield Page(id="page")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """From now on it looks, at once and then again and again."""
        self.query_one("#find").display = False
        self.query_one("#tabs").can_focus = False
        self.show_crew(self.gatherer.gather())
        for look, seconds in (
            (self.gather, GATHER_SECONDS),
            (self.look_closer, LOOK_SECONDS),
            (self.measure, MEASURE_SECONDS),
            (self.probe, PROBE_SECONDS),
        ):
            look()
            self.set_interval(seconds, look)
        self.call_after_refresh(_collect_garbage)

    def gather(self) -> None:
        """Looks at the records."""

        def look() -> Callable[[], None] | None:
            gathered = self.gatherer.gather()
            content = (gathered, *(age(one.facts.since) for one in gathered.sightings))
            if content == self._drawn:
                return None

            def show() -> None:
                self._drawn = content
                self.show_crew(gathered)

            return show

        self.in_thread("gather", look)

    def look_closer(self, *, anew: bool = False) -> None:
        """Looks at the chosen worker."""
        if not self.is_there:
            return
        sighting, tab = self.crew.chosen, self.tab
        if sighting is None or (not anew and self.looker.is_early(tab)):
            return
        worker = sighting

        def look() -> Callable[[], None] | None:
            view = self.looker.look(tab, worker, anew=anew)
            return None if view is None else lambda: self.show_view(view)

        self.in_thread("look", look)

    def measure(self) -> None:
        """Has git count, for those that are seen before the others."""
        if not self.is_there:
            return
        seen = set(self.crew.visible_ids)
        if not self.gatherer.due(seen, at=time.monotonic()):
            return

        def look() -> None:
            self.gatherer.measure(seen, at=time.monotonic())

        self.in_thread("measure", look)

    def probe(self) -> None:
        """Asks whose terminal is there."""
        self.in_thread("probe", self.gatherer.probe)

    def in_thread(self, name: str, look: Callable[[], Callable[[], None] | None]) -> None:
        """Runs it beside, unless it runs still; what it gives is called here afterwards."""
        if name in self._busy:
            return
        self._busy.add(name)

        def run() -> None:
            show = None
            try:
                show = look()
            finally:
                self._busy.discard(name)
            if show is not None:
                self.later(show)

        self.run_worker(run, thread=True, name=name, group=name)

    def later(self, show: Callable[[], None]) -> None:
        """From a thread: calls it where the screen may be changed."""
        self.post_message(Found(show))

    def on_found(self, message: Found) -> None:
        """Shows what a thread has found."""
        if self.is_there:
            message.show()

    @property
    def is_there(self) -> bool:
        """Whether there is a list: timers go on for a moment when the view is taken down."""
        return self.is_running and any(one.query(Crew) for one in self.screen_stack[:1])

    @property
    def crew(self) -> Crew:
        """The list."""
        return self.screen_stack[0].query_one(Crew)

    @property
    def tab(self) -> str:
        """Which of TABS is shown."""
        return self.screen_stack[0].query_one(Tabs).active or TABS[0]

    def show_crew(self, gathered: Gathered) -> None:
        """The list, and what depends on it."""
        self.gathered = gathered
        for event in self.ringing.new(gathered.sightings):
            self.ringing.ring(event)
        base = self.screen_stack[0]
        shown = ordered(gathered, find=self.finds, cleaned=self.shows_cleaned)
        self.crew.show(shown)
        is_empty = not shown
        for name in ("#crew", "#heading", "#about", "#tabs", "#page"):
            base.query_one(name).display = not is_empty
        empty = base.query_one("#empty", Static)
        empty.display = is_empty
        empty.update(texts.NOTHING_FOUND if gathered.sightings else texts.EMPTY)
        base.query_one("#heading", Static).update(worker_row.heading(self.size.width - 1))
        self._show_trouble(gathered)
        self._line("#head", self._head(shown))
        self._show_about()
        self._tell_prompts()

    def show_view(self, view: View) -> None:
        """What a tab shows; the chosen worker may be another one by now."""
        chosen = self.crew.chosen
        if chosen is None or (view.tab, view.worker_id) != (self.tab, chosen.worker.id):
            return
        is_new = (view.tab, view.worker_id) != self._viewed
        self._viewed = (view.tab, view.worker_id)
        page = self.screen_stack[0].query_one(Page)
        page.show(view.lines, wrap=view.is_wrapped, follow=view.is_followed, anew=is_new)

    @on(Crew.Chosen)
    def _look_at_another(self) -> None:
        self._show_about()
        self.look_closer(anew=True)

    @on(Tabs.TabActivated)
    def _look_at_another_tab(self) -> None:
        self.look_closer(anew=True)

    def on_resize(self) -> None:
        """Columns have other widths."""
        if not self.is_there:
            return
        heading = self.screen_stack[0].query_one("#heading", Static)
        heading.update(worker_row.heading(self.size.width - 1))
        self.crew.styles.max_height = max(4, self.size.height // 3)
        self._show_about()

    def _show_trouble(self, gathered: Gathered) -> None:
        damaged = [f"Damaged, can't be read: {path}" for path in gathered.damaged]
        told = [*([gathered.trouble] if gathered.trouble else []), *damaged]
        line = self.screen_stack[0].query_one("#trouble", Static)
        line.display = bool(told)
        line.update(rendering.clean(" ".join(told)))

    def _head(self, shown: list[Sighting]) -> str:
        facts = [one.facts for one in self.gathered.sightings]
        needy = sum(bool(need_of(one)) for one in self.gathered.sightings)
        tokens = sum((one.tokens_read or 0) + (one.tokens_written or 0) for one in facts)
        cost = sum(one.cost_usd or 0.0 for one in facts)
        found = f" with {self.finds!r}" if self.finds else ""
        need = f", {needy} need{'s' if needy == 1 else ''} you" if needy else ""
        used = f" · {amount(tokens)} tokens, {worker_row.cost_of(cost)}" if tokens else ""
        name = rendering.one_line(Path(self.repository.directory).name)
        return f"{name}: {worker_row.counted(len(shown), 'worker')}{found}{need}{used}"

    def _line(self, selector: str, text: str) -> None:
        """A line of the first screen, whatever stands above it."""
        line = self.screen_stack[0].query_one(selector, Static)
        line.update(Text(f" {worker_row.cut(text, self.size.width - 2)}"))

    def _show_about(self) -> None:
        """All about the chosen worker, on one line."""
        sighting = self.crew.chosen
        if sighting is None:
            return
        facts = sighting.facts
        work = ""
        if facts.commits is not None:
            files = worker_row.counted(facts.changed_files or 0, "file")
            work = f"{worker_row.counted(facts.commits, 'commit')}, {files}"
        context = f"context {amount(facts.context_tokens)}" if facts.context_tokens else ""
        reason = facts.reason or worker_row.doing_of(sighting)
        parts = [facts.id, word_for(sighting), work, context, reason, facts.branch]
        line = "  ".join(rendering.one_line(part) for part in parts if part)
        self._line("#about", line)

    def _tell_prompts(self) -> None:
        """A prompt that stands open hears how its worker goes on."""
        by_id = {one.worker.id: one for one in self.gathered.sightings}
        for screen in self.screen_stack:
            if isinstance(screen, Prompt) and screen.about_id:
                screen.tell(by_id.get(screen.about_id))


def _collect_garbage() -> None:
    """From here on again; what the start has loaded is no garbage."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
