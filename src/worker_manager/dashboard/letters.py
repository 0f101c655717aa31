"""A worker's letters in both directions, read where they lie: none is taken or counted as shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from worker_manager.crew.repository import Repository
from worker_manager.domain.message import DECISION, Message, decode
from worker_manager.domain.worker import Worker
from worker_manager.errors import StateCorrupt
from worker_manager.state.files import read_regular
from worker_manager.state.layout import mailbox_path, orchestrator_home
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.text import figures, rendering

#: Of each mailbox, the newest.
MAX_LETTERS = 300
_BODY_LIMIT = 6_000


class Letter(NamedTuple):
    """A message, where it lies, and whether the worker wrote it."""

    message: Message
    path: str
    is_from_worker: bool

    @property
    def is_waiting(self) -> bool:
        """Whether its reader has not taken it yet."""
        return os.path.basename(os.path.dirname(self.path)) == "new"


class Letters:
    """Reads each letter once: they don't change."""

    def __init__(self, repository: Repository) -> None:
        self._records = repository.records
        self._read: dict[str, Message | None] = {}

    def of(self, worker: Worker) -> list[Letter]:
        """Oldest first."""
        owner = orchestrator_home(self._records.repository, worker.owner)
        sent = self._in(owner, is_from_worker=True)
        got = self._in(self._records.home(worker.id), is_from_worker=False)
        from_it = [one for one in sent if one.message.sender == worker.id]
        return sorted([*from_it, *got], key=lambda one: one.message.sent)

    def _in(self, home: str, *, is_from_worker: bool) -> list[Letter]:
        files = list(Mailbox(mailbox_path(home)).files(MAX_LETTERS).items())[-MAX_LETTERS:]
        loaded = [(self._load(message_id, path), path) for message_id, path in files]
        return [Letter(message, path, is_from_worker) for message, path in loaded if message]

    def _load(self, message_id: str, path: str) -> Message | None:
        if message_id not in self._read:
            try:
                self._read[message_id] = decode(read_regular(path))
            except StateCorrupt:
                self._read[message_id] = None
            except OSError:
                return None  # it is on its way to another folder
        return self._read[message_id]


def lines(letters: Sequence[Letter], tone: str) -> list[Text]:
    """How they are read: whose, of what kind, when, then the text."""
    found: list[Text] = []
    for letter in letters:
        found += [Text(_head(letter), style=f"bold {tone}"), *_body(letter), Text()]
    return found


def _head(letter: Letter) -> str:
    message = letter.message
    way = "from it" if letter.is_from_worker else "to it"
    waits = ", not taken yet" if letter.is_waiting else ""
    head = f"{figures.clock(message.sent)} {way}: {message.type} {message.id}{waits}"
    return rendering.one_line(head)


def _body(letter: Letter) -> list[Text]:
    text = rendering.clean(letter.message.body).expandtabs(4)
    if letter.message.type == DECISION:
        return [Text(rendering.one_line(text)[:300])]
    if len(text) > _BODY_LIMIT:
        text = f"{text[:_BODY_LIMIT]}\n[all of it: {letter.path}]"
    return [Text(line) for line in text.split("\n")]
