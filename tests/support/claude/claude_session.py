"""One interactive Claude Code in a terminal: what it shows, and a person's hands."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.processes import is_running
from tests.support.waiting import WAIT_SECONDS, wait_until

if TYPE_CHECKING:
    from tests.support.claude.claude_lab import ClaudeLab

RULE = "─" * 20  # drawn above and below the input box


@dataclass(frozen=True)
class Session:
    """One interactive Claude Code in a tmux pane of the lab."""

    lab: ClaudeLab
    socket: Path
    pane: str
    pid: int
    prompt: str = ""

    @property
    def state(self) -> dict[str, Any]:
        """Its session file; empty as long as there is none."""
        return self.lab.session_state(self.pid)

    @property
    def session_id(self) -> str:
        """The id of the conversation, once the session file names it."""
        return str(
            wait_until(lambda: self.state.get("sessionId"), missing=self._what("no session id"))
        )

    @property
    def status(self) -> str:
        """The status as Claude Code writes it: busy, idle, waiting, shell; "" when unknown."""
        return str(self.state.get("status", ""))

    @property
    def waiting_for(self) -> str:
        """What a waiting session waits for, for example "permission prompt"."""
        return str(self.state.get("waitingFor", ""))

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        return is_running(self.pid)

    def wait_for_status(self, *statuses: str, seconds: float = WAIT_SECONDS) -> str:
        """Wait until the status is one of these."""
        return wait_until(
            lambda: self.status if self.status in statuses else None,
            seconds,
            self._what(f"status is not {' or '.join(statuses)}"),
        )

    def wait_for_screen(self, text: str, seconds: float = WAIT_SECONDS) -> str:
        """Wait until the screen shows a text."""
        return wait_until(
            lambda: screen if text in (screen := self.screen()) else None,
            seconds,
            self._what(f"{text!r} is not on the screen"),
        )

    def type(self, text: str, *, seconds: float = WAIT_SECONDS) -> None:
        """Paste a text into the idle session and press Enter."""
        self.wait_for_first_turn(seconds)
        self.wait_for_status("idle", seconds=seconds)
        before = self.state
        start = text.lstrip("! \n")[:20].split("\n")[0].rstrip()
        # A session that has just started may lose a paste, and takes an early Enter for a newline.
        self._insist(lambda: self.paste(text), lambda: self._box_shows(start))
        self._insist(lambda: self.press("Enter"), lambda: not self._box_shows(start))
        with contextlib.suppress(AssertionError):  # a few slash commands change nothing
            wait_until(lambda: self.state != before, 2.0, str)

    def wait_for_first_turn(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the prompt it was started with, if any, has an answer.

        A session is idle for a moment before it takes that prompt, and loses what is typed then.
        """
        if self.prompt and not self.prompt.startswith("/"):
            missing = self._what("the first prompt has no answer")
            wait_until(self._first_prompt_is_answered, seconds, missing)

    def paste(self, text: str) -> None:
        """Paste a text without Enter, whatever the session does at this moment."""
        self._tmux("load-buffer", "-b", "lab", "-", text=text)
        self._tmux("paste-buffer", "-p", "-d", "-b", "lab", "-t", self.pane)

    def press(self, *keys: str) -> None:
        """Press keys by their tmux names, for example "Escape", whatever the session does."""
        self._tmux("send-keys", "-t", self.pane, *keys)

    def screen(self) -> str:
        """What the pane shows; "" when it is gone."""
        return self.lab.try_tmux(self.socket, "capture-pane", "-p", "-t", self.pane).stdout.rstrip()

    def end(self, how: signal.Signals = signal.SIGTERM, seconds: float = WAIT_SECONDS) -> None:
        """End it by a signal and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, how)
        self.wait_for_end(seconds)

    def wait_for_end(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until its process is gone."""
        wait_until(lambda: not self.alive, seconds, self._what("it still runs"))

    def _insist(self, act: Callable[[], None], has_worked: Callable[[], bool]) -> None:
        for patience in (3.0, 10.0, 30.0):  # on a busy machine it is only slow
            act()
            with contextlib.suppress(AssertionError):
                wait_until(has_worked, patience, str)
                return
        raise AssertionError(self._what("it does not react to keys")())

    def _box_shows(self, start: str) -> bool:
        """Whether the input box, between the last two rules of the screen, holds this text."""
        lines = self.screen().splitlines()
        rules = [number for number, line in enumerate(lines) if line.startswith(RULE)]
        box = "\n".join(lines[rules[-2] :]) if len(rules) > 1 else ""
        return self.alive and (start in box or "[Pasted text" in box)

    def _first_prompt_is_answered(self) -> bool:
        start = json.dumps(self.prompt.strip()[:60], ensure_ascii=False)[1:-1]
        lines = self.lab.transcript(self.state.get("sessionId", ""))
        asked = [line["timestamp"] for line in lines if _is_prompt(line, start)]
        # By their times: the answer's line may come before that of the prompt.
        said = [line["timestamp"] for line in lines if line["type"] == "assistant"]
        return bool(asked and said) and max(said) >= max(asked)

    def _tmux(self, *args: str, text: str = "") -> None:
        done = self.lab.try_tmux(self.socket, *args, text=text)
        assert done.returncode == 0, f"tmux {args}: {done.stderr}\n{self.state}"

    def _what(self, missing: str) -> Callable[[], str]:
        return lambda: f"{missing}\nsession file: {self.state}\n{self.screen()}"


def _is_prompt(line: Mapping[str, Any], start: str) -> bool:
    return line["type"] == "user" and start in json.dumps(line["message"], ensure_ascii=False)
