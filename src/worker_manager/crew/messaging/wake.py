"""How a letter comes to a worker's session, rung by rung.

Its mailbox is the one record: the session's own hooks take the letter out of it and show it. A
rung only rings. The doorbell rings by itself; when it hasn't, an idle session gets one fixed line,
on its message socket or, at last, typed into its empty prompt: the hook of that prompt shows the
letter.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from worker_manager.agents import agent_named
from worker_manager.agents.base import Agent
from worker_manager.agents.claude import message_socket
from worker_manager.crew import activity as activities
from worker_manager.domain import identifiers
from worker_manager.domain.message import DECISION, Message
from worker_manager.domain.worker import Activity, Worker
from worker_manager.errors import RuntimeUnavailable, StateBusy, StateUnavailable
from worker_manager.runtimes.base import Presence, Runtime
from worker_manager.state import sessions
from worker_manager.state.layout import mailbox_path
from worker_manager.state.locking import exclusive
from worker_manager.state.mail import receipts
from worker_manager.state.mail.mailbox import Mailbox

SEEN, DELIVERED, QUEUED = "seen", "delivered", "queued"
ASK, DIALOG, HOOK, SOCKET, TYPED = "ask", "dialog", "hook", "socket", "typed"


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


class Outcome(NamedTuple):
    """What became of a letter: SEEN (it stands in the conversation), DELIVERED (it was taken out
    of the mailbox, to be shown) or QUEUED, with the reason; and the rung that carried it.
    """

    fate: str
    rung: str = ""
    reason: str = ""


def message_id(owner: str, worker_id: str, text: str, key: str) -> str:
    """The id of a letter: always the same for the same text with the same key; else a new one."""
    occasion = f"nudge {owner} {worker_id} {len(key)} {key} {text}"
    return identifiers.message_id_of(occasion) if key else identifiers.new_message_id()


def carry(
    root: str,
    home: str,
    worker: Worker,
    message: Message,
    runtime: Runtime,
    waits: Waits = USUAL_WAITS,
) -> Outcome:
    """Sees to it that a letter which was delivered to the worker's mailbox reaches its session.
    With the usual waits this takes 16 s at most, more when several wait.
    """
    letter = _Letter(root, home, message.id, waits)
    rung = reason = ""
    if not letter.is_taken(waits.ring):
        reason = letter.calm()
    if not reason and letter.is_waiting():
        try:
            # Two lines in one prompt would be nobody's.
            with exclusive(os.path.join(home, "ring.lock"), timeout_seconds=waits.ringing):
                rung, reason = _ring(worker, runtime, letter)
        except (StateBusy, StateUnavailable) as error:
            reason = f"nobody may ring for it: {error}"
    outcome = letter.outcome(rung, reason)
    if outcome.fate != QUEUED and not rung:
        return outcome._replace(rung=_usual_rung(home, message))
    if outcome.fate == QUEUED and _is_gone(worker, runtime):
        return outcome._replace(reason="its terminal is gone")
    return outcome


def _ring(worker: Worker, runtime: Runtime, letter: _Letter) -> tuple[str, str]:
    """Rings for a letter that waits; the rung that was used last, or why none was."""
    rung, reason = "", letter.calm()
    if not reason and letter.is_waiting() and message_socket.send(letter.activity().socket, LINE):
        rung = SOCKET
        letter.is_taken(letter.waits.react)
    if not reason and letter.is_waiting():
        reason = _type(worker, runtime, letter)
        if not reason:
            rung = TYPED
            letter.is_taken(letter.waits.react)
    return rung, reason


class _Letter:
    """One that was just put into a worker's mailbox, and the session that should take it."""

    def __init__(self, root: str, home: str, message_id: str, waits: Waits) -> None:
        self.waits = waits
        self._root = root
        self._home = home
        self._id = message_id
        self._began = time.time()

    def activity(self) -> Activity:
        """What the session does; without a status when nobody knows."""
        return activities.activity(self._root, self._home) or Activity("", "", time.time())

    def is_waiting(self) -> bool:
        return receipts.fate(self._home, self._id) == receipts.WAITING

    def is_taken(self, seconds: float) -> bool:
        """Whether it is taken within this time; waits for its receipt, too."""
        deadline = time.monotonic() + seconds
        fate = receipts.fate(self._home, self._id)
        while fate != receipts.SEEN and time.monotonic() < deadline:
            time.sleep(0.1)
            fate = receipts.fate(self._home, self._id)
        return fate != receipts.WAITING

    def calm(self) -> str:
        """Waits until the session has been idle for a while, and rung all that time; else why it
        isn't. Empty, too, when the letter is taken meanwhile.
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

    def outcome(self, rung: str, reason: str) -> Outcome:
        fate = receipts.fate(self._home, self._id)
        if fate != receipts.WAITING:
            return Outcome(SEEN if fate == receipts.SEEN else DELIVERED, rung)
        if reason:
            return Outcome(QUEUED, reason=reason)
        return Outcome(QUEUED, rung, "its session has not reacted yet")


def _usual_rung(home: str, message: Message) -> str:
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


def _type(worker: Worker, runtime: Runtime, letter: _Letter) -> str:
    """Types the line into the empty prompt of an idle session, and Enter once it stands there.
    Else why not; then nothing of it is left there, if that can be.
    """
    agent = agent_named(worker.agent)
    try:
        draft, reason = _draft(worker, runtime, agent)
        # Ours when somebody who rang was killed before the Enter.
        if reason or (draft and not _is_line(draft)):
            return reason or "a draft stands in its prompt"
        if not draft:
            runtime.paste(worker.handle, LINE)
        if not _stands(worker, runtime, agent, letter.waits.paste):
            return "its prompt did not take our line"
        reason = _busy_with(letter.activity())
        if not reason and letter.is_waiting():
            return "" if runtime.press(worker.handle, "Enter") else f"{_SCROLLED}; {_LEFT}"
        # It woke meanwhile: the line must not stay. A dialog would be in its place.
        if _stands(worker, runtime, agent, 0) and runtime.press(worker.handle, "C-u"):
            return reason or _TAKEN
        return f"{reason or _TAKEN}; {_LEFT}"
    except RuntimeUnavailable:
        return _NO_ANSWER


def _draft(worker: Worker, runtime: Runtime, agent: Agent) -> tuple[str, str]:
    """What stands in its prompt; or why nothing may be typed there."""
    screen = runtime.look(worker.handle)
    if screen is None:
        return "", _NO_ANSWER
    if screen.is_scrolled:
        return "", _SCROLLED
    draft = agent.draft(screen)
    return draft or "", _NO_PROMPT if draft is None else ""


def _stands(worker: Worker, runtime: Runtime, agent: Agent, seconds: float) -> bool:
    """Whether our line, and nothing else, stands in the prompt within this time."""
    deadline = time.monotonic() + seconds
    while True:
        screen = runtime.look(worker.handle)
        if screen and _is_line(agent.draft(screen) or ""):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)


def _is_line(draft: str) -> bool:
    """Whether it is ours; a narrow terminal breaks it."""
    return "".join(draft.split()) == "".join(LINE.split())


def _is_gone(worker: Worker, runtime: Runtime) -> bool:
    return runtime.probe([worker.handle])[worker.handle] is Presence.GONE
