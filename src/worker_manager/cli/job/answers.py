"""Asks the person at the terminal for what a worker waits for, and gives it to the worker."""

from __future__ import annotations

from worker_manager.cli.results import Nudged
from worker_manager.cli.terminal import letters, prompts
from worker_manager.cli.terminal.output import emit, print_wrapped
from worker_manager.cli.terminal.spinner import busy
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.messaging import wake
from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput
from worker_manager.text import rendering
from worker_manager.text.commands import for_people
from worker_manager.views import announcements
from worker_manager.views.needs import Kind, Need

#: What the dialogs of Claude Code want.
DIALOGS = (Kind.CHOICE, Kind.PERMISSION)

_ALLOW, _DENY, _LATER = "allow", "deny", "later"


def ask_and_give(fleet: Fleet, worker: Worker, need: Need) -> bool:
    """False when the person leaves it for later."""
    try:
        return _ASK[need.kind](fleet, worker, need)
    except InvalidInput as error:  # somebody else was faster, or it does not fit
        print_wrapped(rendering.clean(for_people(error.text)))
        return False


def send(fleet: Fleet, worker: Worker, text: str, *, key: str = "", as_json: bool = False) -> None:
    """Sends a message, an answer where it asked, and says what became of it."""
    before, sent = fleet.nudge(worker.id, text, key=key)
    with busy(f"{worker.name} is told"):
        outcome = fleet.carry(before, sent)
    is_answer = bool(sent.reply_to)
    if as_json:
        emit(Nudged(worker.id, sent.id, is_answer, *outcome))
    else:
        print_wrapped(announcements.nudged(fleet, before, outcome, is_answer=is_answer))


def decide(
    fleet: Fleet,
    worker: Worker,
    decision: str,
    *,
    because: str = "",
    message_id: str = "",
    was_shown_whole: bool = False,
    as_json: bool = False,
) -> None:
    """Answers a dialog, and says so. Raises InvalidInput."""
    with busy(f"{worker.name} is told"):
        _, sent = fleet.answer(
            worker.id,
            decision,
            reason=because,
            request_id=message_id,
            was_shown_whole=was_shown_whole,
        )
    if as_json:
        emit(Nudged(worker.id, sent.id, True, wake.DELIVERED, wake.DIALOG, ""))
    else:
        print_wrapped(announcements.answered(fleet, worker))


def _answer(fleet: Fleet, worker: Worker, _: Need) -> bool:
    text = prompts.line(f"Answer to {worker.id} (empty: later):")
    if text:
        send(fleet, worker, text)
    return bool(text)


def _words(fleet: Fleet, worker: Worker, _: Need) -> bool:
    text = prompts.line(f"What shall {worker.id} do (empty: later)?")
    if text:
        send(fleet, worker, text)
    return bool(text)


def _choose(fleet: Fleet, worker: Worker, need: Need) -> bool:
    text = prompts.line(f"Answer to {worker.id} (empty: later):")
    if text:
        decide(fleet, worker, text, message_id=need.key)
    return bool(text)


def _permit(fleet: Fleet, worker: Worker, need: Need) -> bool:
    choices = {"a": _ALLOW, "d": _DENY, "l": _LATER}
    chosen = prompts.choice(f"May {worker.id} do that?", choices)
    if chosen == _LATER:
        return False
    why = prompts.line("Why not (it is told; may be empty):") if chosen == _DENY else ""
    decide(fleet, worker, chosen, because=why, message_id=need.key, was_shown_whole=True)
    return True


def _at_terminal(_fleet: Fleet, worker: Worker, _need: Need) -> bool:
    print_wrapped(at_terminal(worker))
    return False


_ASK = {
    Kind.ANSWER: _answer,
    Kind.CHOICE: _choose,
    Kind.PERMISSION: _permit,
    Kind.WORDS: _words,
    Kind.TERMINAL: _at_terminal,
}


def at_terminal(worker: Worker) -> str:
    """What to say of what nobody can give from here."""
    return f"That is answered at its terminal only: worker-manager attach {worker.id}"


def text_of(worker: Worker, need: Need) -> str:
    """What it wants to know or to do, in its own words."""
    return f"{worker.name} waits:\n{letters.barred(need.text)}"
