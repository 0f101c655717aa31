"""What a worker waits for that only its orchestrator, or a person, can give."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from worker_manager.crew.fleet import Fleet
from worker_manager.domain import message as messages
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.workers import reminders, requests
from worker_manager.state.workers.requests import Request


class Kind(StrEnum):
    """How it can be given."""

    ANSWER = "answer"  #: a text, to its `ask`: nudge
    CHOICE = "choice"  #: a label or a text, to a question at its terminal: answer
    PERMISSION = "permission"  #: allow or deny: answer
    TERMINAL = "terminal"  #: at its terminal only
    WORDS = "words"  #: it stands idle without a report: nudge


class Need(NamedTuple):
    """`key` is the id of the message that tells of it, or one of our own: another need has
    another. `text` is the worker's own, not cleaned.
    """

    kind: Kind
    key: str
    text: str

    @property
    def letter_id(self) -> str:
        """The id of the letter that tells of it; empty when it needs none."""
        return "" if self.kind is Kind.WORDS else self.key


def of(fleet: Fleet, worker: Worker) -> Need | None:
    """What it waits for now; the oldest when there are several. None for nothing."""
    home = fleet.records.home(worker.id)
    for request in requests.all_open(home):
        return _dialog(fleet, worker, request)
    report = worker.report
    if worker.status is Status.ASKING and report:
        return Need(Kind.ANSWER, report.message_id, report.text)
    if worker.status is Status.BLOCKED and report and report.type == messages.BLOCKED:
        return Need(Kind.TERMINAL, report.message_id, report.text)
    if worker.status is Status.RUNNING:
        return _words(fleet, worker, home)
    return None


def is_settled(worker: Worker, needed: str | None, has_letter: Callable[[str], bool]) -> bool:
    """Whether it has finished, or needs somebody, and the letter that says so is there: the record
    changes first. `needed` is the id of the letter that says what it needs: empty for no letter,
    None for no need. `has_letter` tells by its id whether a letter is there.
    """
    report = worker.report
    letter_id = needed
    if worker.finished:
        letter_id = report.message_id if report else ""
    if not letter_id:
        return letter_id is not None
    is_delivered = report is not None and report.delivered and report.message_id == letter_id
    return is_delivered or has_letter(letter_id)


def _dialog(fleet: Fleet, worker: Worker, request: Request) -> Need:
    """What can't be shown is nobody's to allow: that is left to its terminal."""
    text = _told(fleet, worker, request.id)
    kind = Kind.CHOICE if request.questions else Kind.PERMISSION
    is_decidable = bool(text) and request.is_waited_for
    return Need(kind if is_decidable else Kind.TERMINAL, request.id, text or request.reason)


def _told(fleet: Fleet, worker: Worker, message_id: str) -> str:
    """What a message of it says; empty when it is not there, or not yet."""
    report = worker.report
    if report and report.message_id == message_id:
        return report.text
    message = fleet.mailbox.find(message_id)
    return message.body if message else ""


def _words(fleet: Fleet, worker: Worker, home: str) -> Need | None:
    """When its owner was told that it ended its turn, or is about to be told that it is idle."""
    if reminders.was_told_of(home):
        return Need(Kind.WORDS, f"stalled {reminders.occasion(home)}", "")
    since = worker.idle_since(fleet.activity(worker))
    if since is not None and since < time.time() - fleet.idle_seconds:
        return Need(Kind.WORDS, f"idle {since}", "")
    return None
