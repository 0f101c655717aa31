"""The live view with its keys: what the person asks for is done beside, and told in a sentence."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.widgets import Input, Tabs

from worker_manager.crew.integration import merge as merges
from worker_manager.crew.repository import Repository
from worker_manager.dashboard import texts
from worker_manager.dashboard.actions import Actions, Refused, sentence_of
from worker_manager.dashboard.detail_pane import TABS
from worker_manager.dashboard.polling import Looking
from worker_manager.dashboard.prompts import Choose, Say, Told
from worker_manager.dashboard.worker_row import counted
from worker_manager.domain.worker import Status
from worker_manager.errors import WorkerManagerError
from worker_manager.runtimes.tmux import client
from worker_manager.state.workers import requests
from worker_manager.text import rendering
from worker_manager.views import needs
from worker_manager.views.gatherer import Sighting
from worker_manager.views.needs import Kind, Need

#: By their first letters.
_STRATEGY_KEYS = {name[0]: name for name in merges.STRATEGIES}


class WatchApp(Looking):
    """What `worker-manager watch` shows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "attach", "Attach"),
        Binding("n", "nudge", "Nudge"),
        Binding("y", "answer", "Answer"),
        Binding("s", "stop", "Stop"),
        Binding("m", "merge", "Merge"),
        Binding("c", "clean", "Clean"),
        Binding("u", "restore", "Undo"),
        Binding("slash", "find", "Find", key_display="/"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("enter", "wide", "More room", show=False),
        Binding("escape", "all", "All", show=False),
        Binding("h", "cleaned", "Cleaned ones", show=False),
        Binding("t", "theme", "Theme", show=False),
        *(Binding(str(n), f"tab('{tab}')", tab, show=False) for n, tab in enumerate(TABS, 1)),
    ]

    def __init__(self, repository: Repository, *, is_light_terminal: bool | None = None) -> None:
        super().__init__(repository, is_light_terminal=is_light_terminal)
        self.actions = Actions(repository)

    def action_tab(self, tab: str) -> None:
        """Shows one of the tabs."""
        self.query_one(Tabs).active = tab

    def action_wide(self) -> None:
        """More room for the chosen worker, and back."""
        self.screen.toggle_class("-wide")

    def action_theme(self) -> None:
        """Light or dark."""
        self.theme = "textual-dark" if self.theme == "textual-light" else "textual-light"

    def action_cleaned(self) -> None:
        """Shows cleaned workers, or hides them."""
        self.shows_cleaned = not self.shows_cleaned
        self.show_crew(self.gathered)

    def action_help(self) -> None:
        """Shows the keys."""
        self.push_screen(Told("The live view", texts.KEYS))

    def action_find(self) -> None:
        """Asks what to look for."""
        field = self.query_one("#find", Input)
        field.display = True
        field.focus()

    def action_all(self) -> None:
        """Shows all workers, and the list."""
        self.screen.remove_class("-wide")
        self.query_one("#find", Input).value = ""
        self._leave_find()

    @on(Input.Changed, "#find")
    def _find(self, event: Input.Changed) -> None:
        self.finds = event.value
        self.show_crew(self.gathered)

    @on(Input.Submitted, "#find")
    def _leave_find(self) -> None:
        field = self.query_one("#find", Input)
        field.display = bool(field.value)
        self.crew.focus()

    def action_attach(self) -> None:
        """Its terminal: in a new window of tmux, or here until the person leaves it."""
        sighting = self._chosen()
        if sighting is None:
            return
        worker = sighting.worker
        if self.is_web:
            self._say(f"In a terminal: {sighting.facts.attach}")
        elif client.is_in_tmux():
            self._do(partial(self.actions.open_window, worker.id))
        else:
            self._attach_here(worker.id)

    def _attach_here(self, worker_id: str) -> None:
        try:
            command = self.actions.attach_command(worker_id)
            with self.suspend():
                done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace")
            if done.returncode:
                raise Refused(
                    f"Its terminal can't be shown: {done.stderr.strip() or 'it is gone'}."
                )
        except SuspendNotSupported:
            self._say("This terminal can't be left for another one.", is_bad=True)
        except (WorkerManagerError, OSError) as error:
            self._say(sentence_of(error), is_bad=True)

    def action_nudge(self) -> None:
        """Asks for a message and sends it."""
        sighting = self._chosen()
        if sighting is not None:
            title = f"A message to {sighting.worker.title}"
            self._ask_text(title, _asked(sighting), sighting)

    def action_answer(self) -> None:
        """Answers what it asks: a permission, a question at its terminal, or one by mail."""
        sighting = self._chosen()
        if sighting is None:
            return
        title = sighting.worker.title
        try:
            need = needs.of(self.repository.fleet_of(sighting.worker), sighting.worker)
        except (WorkerManagerError, OSError) as error:
            self._say(sentence_of(error), is_bad=True)
            return
        if need is None or need.kind is Kind.WORDS:
            self._say(f"{title} asks nothing at this moment. n sends it a message.")
        elif need.kind is Kind.TERMINAL:
            self._say(f"{title} waits for something that is given at its terminal only: a.")
        elif need.kind is Kind.ANSWER:
            self._ask_text(f"{title} asks", need.text, sighting)
        else:
            self._ask_decision(sighting, need)

    def _ask_text(self, title: str, body: str, about: Sighting) -> None:
        def send(text: str | None) -> None:
            if text is not None:
                self._do(partial(self.actions.nudge, about.worker.id, text))

        self.push_screen(Say(title, body, about), send)

    def _ask_decision(self, about: Sighting, need: Need) -> None:
        worker, body = about.worker, need.text
        open_now = requests.all_open(self.repository.records.home(worker.id))
        more = f" (1 of {len(open_now)})" if len(open_now) > 1 else ""
        answer = partial(self.actions.answer, worker.id, request_id=need.key)

        def decide(decision: str | None) -> None:
            if decision:
                self._do(partial(answer, decision, ""))

        def choose(key: str | None) -> None:
            if key == "w":
                say = Say("Why not, and what to do instead?", body, about)
                self.push_screen(
                    say, lambda why: self._do(partial(answer, "deny", why)) if why else None
                )
            elif key:
                decide({"a": "allow", "d": "deny"}[key])

        if need.kind is Kind.CHOICE:
            self.push_screen(Say(f"{worker.title} asks{more}", body, about), decide)
        else:
            choices = {"a": "Allow", "d": "Deny", "w": "Deny, and say why"}
            title = f"{worker.title} asks for permission{more}"
            self.push_screen(Choose(title, body, about, choices), choose)

    def action_stop(self) -> None:
        """Asks, then stops it."""
        body = (
            "It may finish its thought first, or refuse; Now does not ask it. Its worktree, branch "
            "and files stay; undo (u) goes on with it."
        )
        choices = {"s": "Ask it to stop", "n": "Now"}

        def choose(about: Sighting, key: str) -> None:
            self._do(partial(self.actions.stop, about.worker.id, force=key == "n"))

        self._choose("Stop {}?", body, choices, choose)

    def action_merge(self) -> None:
        """Asks how, then merges it."""
        about = self._chosen()
        if about is None:
            return
        facts = about.facts
        branch = facts.branch or "It has no branch"
        commits = counted(facts.commits or 0, "commit")
        files = counted(facts.changed_files or 0, "file")
        body = f"{branch} into {facts.base}: {commits}, {files}. All of it, or nothing changes."

        def choose(about: Sighting, key: str) -> None:
            merge = partial(self.actions.merge, about.worker.id, _STRATEGY_KEYS[key])
            self._do(merge, show=f"Merge of {about.worker.title}", waits=True)

        self._choose("Merge {}?", body, _STRATEGY_KEYS, choose)

    def action_clean(self) -> None:
        """Says what would go, asks, then cleans."""
        about = self._chosen()
        if about is None:
            return

        def ask(body: str) -> None:
            self.clear_notifications()

            def choose(about: Sighting, _key: str) -> None:
                self._do(partial(self.actions.clean, about.worker.id), waits=True)

            self._choose("Clean {}?", body, {"c": "Clean"}, choose, about)

        self._do(partial(self.actions.may_clean, about.worker.id), then=ask, waits=True)

    def action_restore(self) -> None:
        """Asks, then brings it back."""
        body = "What was cleaned comes back, and its conversation goes on in a new terminal."

        def choose(about: Sighting, _key: str) -> None:
            self._do(partial(self.actions.restore, about.worker.id), waits=True)

        self._choose("Bring {} back?", body, {"u": "Bring back"}, choose)

    def _choose(
        self,
        title: str,
        body: str,
        choices: dict[str, str],
        then: Callable[[Sighting, str], None],
        about: Sighting | None = None,
    ) -> None:
        """Asks about the chosen worker; Escape does nothing."""
        worker = about or self._chosen()
        if worker is None:
            return

        def chosen(key: str | None) -> None:
            if key:
                then(worker, key)

        self.push_screen(Choose(title.format(worker.worker.title), body, worker, choices), chosen)

    def _do(
        self,
        action: Callable[[], str],
        *,
        then: Callable[[str], None] | None = None,
        show: str = "",
        waits: bool = False,
    ) -> None:
        """Does it in a thread; then says what came of it, on a screen of its own with `show`."""
        if waits:
            self._say("At it ...")

        def run() -> None:
            try:
                said = action()
            except (WorkerManagerError, OSError) as error:
                self.later(partial(self._told, sentence_of(error), show, is_bad=True))
            else:
                self.later(partial(then, said) if then else partial(self._told, said, show))

        self.run_worker(run, thread=True, group="actions")

    def _told(self, text: str, show: str, *, is_bad: bool = False) -> None:
        self.clear_notifications()
        if show or (is_bad and "\n" in text):
            self.push_screen(Told(show or "It did not work", text))
        else:
            self._say(text, is_bad=is_bad)
        self.gather()

    def _say(self, text: str, *, is_bad: bool = False) -> None:
        text = rendering.clean(text)
        self.notify(text, severity="error" if is_bad else "information", markup=False, timeout=8)

    def _chosen(self) -> Sighting | None:
        chosen = self.crew.chosen
        if chosen is None:
            self._say("There is no worker to do that with.")
        return chosen


def _asked(sighting: Sighting) -> str:
    """What it asked last, when it waits for an answer."""
    worker = sighting.worker
    is_asking = worker.status is Status.ASKING and worker.report
    return worker.report.text if is_asking and worker.report else "It reads it with its next step."
