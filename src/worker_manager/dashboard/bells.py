"""How the person hears that a worker needs them: once for each time that one does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from worker_manager.config import Settings
from worker_manager.dashboard.attention import need_of
from worker_manager.dashboard.worker_row import doing_of
from worker_manager.text import rendering
from worker_manager.text.output import json_line
from worker_manager.views.gatherer import Sighting

TIMEOUT_SECONDS = 20.0
#: When a whole crew falls at once, one ring is enough.
MAX_AT_ONCE = 3
_WORDS = {
    "asking": "asks",
    "blocked": "is blocked",
    "failed": "has failed",
    "stalled": "stands still",
}


class Event(NamedTuple):
    """A worker has come to need the person; without an id, several have."""

    id: str
    name: str
    title: str
    status: str
    text: str

    @property
    def sentence(self) -> str:
        """For a person."""
        what = _WORDS.get(self.status, f"is {self.status}")
        told = f": {self.text}" if self.text else ""
        return rendering.one_line(f"{self.title} {what}{told}")


class Bells:
    """Knows what was told already. What was so before the first look is on the screen: silent."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str, str]] | None = None

    def new(self, sightings: Iterable[Sighting]) -> list[Event]:
        """What has happened since the last look; more than MAX_AT_ONCE are told as one."""
        needy = {
            (one.worker.id, need_of(one), one.facts.since): one for one in sightings if need_of(one)
        }
        known, self._known = self._known, (self._known or set()) | set(needy)
        if known is None:
            return []
        fresh = [_event(one) for key, one in needy.items() if key not in known]
        return fresh if len(fresh) <= MAX_AT_ONCE else [_together(fresh)]


def tell(settings: Settings, event: Event) -> str:
    """By the command and the webhook of the settings; gives what went wrong, or nothing."""
    said = [_call(settings.notify_command, event), _post(settings.notify_webhook, event)]
    return " ".join(filter(None, said))


def show_on_desktop(event: Event) -> bool:
    """By the desktop's own program; False when there is none."""
    if sys.platform == "darwin" and shutil.which("osascript"):
        show = "display notification (item 1 of argv) with title (item 2 of argv)"
        script = f"on run argv\n{show}\nend run"
        command = ["osascript", "-e", script, event.sentence, "worker-manager"]
    elif shutil.which("notify-send") and os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        command = [
            "notify-send",
            "--app-name=worker-manager",
            "--",
            "worker-manager",
            event.sentence,
        ]
    else:
        return False
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def escape_code(event: Event) -> str:
    """What asks the terminal itself for a notification (OSC 9); tmux passes it on when it may."""
    code = f"\x1b]9;{event.sentence[:200]}\x07"
    if not os.environ.get("TMUX"):
        return code
    doubled = code.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


def _call(command: str, event: Event) -> str:
    """The sentence is its $1, all of the event its standard input: neither is read by the shell."""
    if not command:
        return ""
    try:
        done = subprocess.run(
            ["sh", "-c", command, "worker-manager", event.sentence],
            input=json_line(event._asdict()),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"notify.command {command!r} failed: {rendering.one_line(str(error))[:200]}"
    said = rendering.one_line(done.stderr)[:200] or "no message"
    return (
        f"notify.command {command!r} ended with {done.returncode}: {said}."
        if done.returncode
        else ""
    )


def _post(address: str, event: Event) -> str:
    if not address:
        return ""
    from worker_manager.dashboard import webhook

    return webhook.post(address, {**event._asdict(), "sentence": event.sentence})


def _event(sighting: Sighting) -> Event:
    facts = sighting.facts
    title = rendering.one_line(facts.title)
    return Event(facts.id, facts.name, title, need_of(sighting), doing_of(sighting)[:300])


def _together(events: Sequence[Event]) -> Event:
    names = ", ".join(event.title for event in events[:MAX_AT_ONCE])
    text = f"{names} and {len(events) - MAX_AT_ONCE} more"
    return Event("", "", f"A crew of {len(events)} workers", "waiting for you", text)
