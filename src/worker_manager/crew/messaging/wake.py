"""Waking a worker's session so that it takes a letter out of its mailbox.

The mailbox is the one record: the session's own hooks claim the letter and show it. Each channel
only wakes the session: first the file watch on the mailbox, by itself; then, when the session is
idle, one fixed line, on its message socket or, at last, typed into its empty prompt. The hook of
that prompt shows the letter.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from worker_manager.agents import agent_in_record
from worker_manager.agents.base import Agent
from worker_manager.crew import activity as activities
from worker_manager.crew.context import Context
from worker_manager.domain import identifiers
from worker_manager.domain.message import DECISION, Message
from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Worker
from worker_manager.errors import RuntimeUnavailable, StateBusy, StateUnavailable
from worker_manager.runtimes.base import Presence, Runtime
from worker_manager.state import sessions
from worker_manager.state.layout import mailbox_path
from worker_manager.state.locking import exclusive
from worker_manager.state.mail import receipts
from worker_manager.state.mail.mailbox import Mailbox

SEEN, DELIVERED, QUEUED = "seen", "delivered", "queued"
ASK, DIALOG, HOOK, SOCKET, TYPED = "ask", "dialog", "hook", "socket", "typed"
#: That of its program, where its server attends to it.
QUEUE = "queue"


class Waits(NamedTuple):
    """How long is waited for what, in seconds."""

    #: An idle worker has a letter after 0.8 s, and Claude Code has noted it 0.3 s later (seen).
    ring: float = 2.5
    #: A session that has just become idle may go on by itself: hooks, a queued prompt. The doorbell
    #: has as much time: on a busy machine it is slow.
    calm: float = 4.0
    #: From a ring to the letter taken by the prompt's hook.
    react: float = 5.0
    #: Another nudge may ring at the moment; one ring takes no longer.
    ringing: float = 20.0
    #: From a paste to the line on the screen; 0.1 s on an idle machine.
    paste: float = 2.0


USUAL_WAITS = Waits()

#: Nothing that Claude Code reads as a command, at its beginning or its end.
LINE = "worker-manager: a message from your orchestrator is shown beside this line."

_AT_PROMPT = ("idle", "shell")
_WORKS = "it works, and reads it with its next tool call or at the end of its turn"
_SCROLLED = "somebody scrolls in its terminal"
_NO_PROMPT = "its terminal shows no prompt"
_TAKEN = "it was taken meanwhile"
_LEFT = "our line stands in its prompt"
_NO_ANSWER = "tmux does not say what its terminal shows"


class WakeResult(NamedTuple):
    """`state` is SEEN (the letter stands in the conversation), DELIVERED (it was claimed from the
    mailbox, to be shown) or QUEUED, with the `reason`. `channel` is what woke the session: ASK,
    DIALOG, HOOK, QUEUE, SOCKET or TYPED; empty when nothing did.
    """

    state: str
    channel: str = ""
    reason: str = ""


def message_id(owner: str, worker_id: str, text: str, key: str) -> str:
    """The id of a letter: always the same for the same text with the same key; else a new one."""
    occasion = f"nudge {owner} {worker_id} {len(key)} {key} {text}"
    return identifiers.message_id_of(occasion) if key else identifiers.new_message_id()


def ensure_delivered(
    context: Context, worker: Worker, message: Message, waits: Waits = USUAL_WAITS
) -> WakeResult:
    """Wake the session of a worker until it takes a letter that lies in its mailbox. With the
    usual waits this takes 16 s at most, more when several wait.
    """
    home = context.home_of(worker)
    letter = _Letter(context, worker, message.id, waits)
    channel = reason = ""
    if not letter.is_taken(waits.ring):
        reason = letter.wait_until_idle()
    if not reason and letter.is_waiting():
        try:
            # Two lines in one prompt would be nobody's.
            with exclusive(os.path.join(home, "ring.lock"), timeout_seconds=waits.ringing):
                channel, reason = _ring(letter)
        except (StateBusy, StateUnavailable) as error:
            reason = f"nobody may ring for it: {error}"
    result = letter.result(channel, reason)
    if result.state != QUEUED and not channel:
        is_attended = letter.terminal.agent.attended is not None
        return result._replace(channel=QUEUE if is_attended else _usual_channel(home, message))
    if result.state == QUEUED and letter.terminal.is_gone():
        return result._replace(reason="its terminal is gone")
    return result


def _ring(letter: _Letter) -> tuple[str, str]:
    """Rings for a letter that waits; the channel that was used last, or why none was."""
    channel, reason = "", letter.wait_until_idle()
    if not reason and letter.is_waiting() and letter.terminal.agent.send(letter.activity(), LINE):
        channel = SOCKET
        letter.is_taken(letter.waits.react)
    if not reason and letter.is_waiting():
        reason = _type(letter)
        if not reason:
            channel = TYPED
            letter.is_taken(letter.waits.react)
    return channel, reason


class _Letter:
    """One that was just put into a worker's mailbox, and the session that should take it."""

    def __init__(self, context: Context, worker: Worker, message_id: str, waits: Waits) -> None:
        self.waits = waits
        self.terminal = _Terminal(context.runtime, worker)
        self._root = context.root
        self._home = context.home_of(worker)
        self._id = message_id
        self._began = time.time()

    def activity(self) -> Activity:
        """What the session does; without a status when nobody knows."""
        found = activities.activity(self._root, self._home, self.terminal.worker.agent)
        return found or Activity("", "", time.time())

    def _fate(self) -> str:
        return receipts.fate(self._home, self.terminal.agent.receipts, self._id)

    def is_waiting(self) -> bool:
        return self._fate() == receipts.WAITING

    def is_taken(self, seconds: float) -> bool:
        """Whether it is taken within this time; waits for its receipt, too."""
        deadline = time.monotonic() + seconds
        fate = self._fate()
        while fate != receipts.SEEN and time.monotonic() < deadline:
            time.sleep(0.1)
            fate = self._fate()
        return fate != receipts.WAITING

    def wait_until_idle(self) -> str:
        """Block until the session has been idle for `waits.calm` seconds since the letter came.
        Returns "", or why it is not idle; "", too, once the letter is taken.
        """
        while self.is_waiting():
            activity = self.activity()
            if reason := _busy_with(activity):
                return reason
            left = max(activity.since, self._began) + self.waits.calm - time.time()
            if left <= 0:
                break
            time.sleep(min(left, 0.2))
        return ""

    def result(self, channel: str, reason: str) -> WakeResult:
        fate = self._fate()
        if fate != receipts.WAITING:
            return WakeResult(SEEN if fate == receipts.SEEN else DELIVERED, channel)
        if reason:
            return WakeResult(QUEUED, reason=reason)
        return WakeResult(QUEUED, channel, "its session has not reacted yet")


def _usual_channel(home: str, message: Message) -> str:
    """By which a letter was taken when nothing else rang."""
    if message.type == DECISION:
        return DIALOG
    reader = Mailbox(mailbox_path(home)).reader(message.id)
    return ASK if reader.partition("-")[0] == sessions.server_pid(home) else HOOK


def _busy_with(activity: Activity) -> str:
    """Why nothing may be said to the session now; empty when it is idle."""
    if activity.status in _AT_PROMPT:
        return ""
    if activity.status == "waiting":
        return f"a dialog is open at its terminal ({activity.waiting_for or 'unknown'})"
    return _WORKS if activity.status else "its session does not say what it does"


def _type(letter: _Letter) -> str:
    """Types the line into the empty prompt of an idle session, and Enter once it stands there.
    Else why not; then nothing of it is left there, if that can be.
    """
    terminal = letter.terminal
    try:
        draft, reason = terminal.draft()
        # Ours when somebody who rang was killed before the Enter.
        if reason or (draft and not _is_line(draft)):
            return reason or "a draft stands in its prompt"
        if not draft:
            terminal.paste()
        if not terminal.shows_line(letter.waits.paste):
            return "its prompt did not take our line"
        reason = _busy_with(letter.activity())
        if not reason and letter.is_waiting():
            return "" if terminal.press("Enter") else f"{_SCROLLED}; {_LEFT}"
        # It woke meanwhile: the line must not stay. A dialog would be in its place.
        if terminal.shows_line(0) and terminal.press("C-u"):
            return reason or _TAKEN
        return f"{reason or _TAKEN}; {_LEFT}"
    except RuntimeUnavailable:
        return _NO_ANSWER


class _Terminal(NamedTuple):
    """A worker's terminal, in which its agent shows a prompt."""

    runtime: Runtime
    worker: Worker

    def paste(self) -> None:
        self.runtime.paste(self.worker.handle, LINE)

    def press(self, key: str) -> bool:
        return self.runtime.press(self.worker.handle, key)

    def is_gone(self) -> bool:
        return self.runtime.probe([self.worker.handle])[self.worker.handle] is Presence.GONE

    def draft(self) -> tuple[str, str]:
        """What stands in its prompt; or why nothing may be typed there."""
        screen = self.runtime.look(self.worker.handle)
        if screen is None:
            return "", _NO_ANSWER
        if screen.is_scrolled:
            return "", _SCROLLED
        draft = self.agent.draft(screen)
        return draft or "", _NO_PROMPT if draft is None else ""

    def shows_line(self, seconds: float) -> bool:
        """Whether our line, and nothing else, stands in the prompt within this time."""
        agent, deadline = self.agent, time.monotonic() + seconds
        while True:
            screen = self.runtime.look(self.worker.handle)
            if screen and _is_line(agent.draft(screen) or ""):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)

    @property
    def agent(self) -> Agent:
        return agent_in_record(self.worker.agent)


def _is_line(draft: str) -> bool:
    """Whether it is ours; a narrow terminal breaks it."""
    return "".join(draft.split()) == "".join(LINE.split())
