"""Did what we showed reach the model? Then its id stands in the session's own transcript, in which
its agent looks for it.

A session drops the output of a hook that took too long, and a wake-up that it had queued when it
was killed; and a text may come into the transcript late. So nothing is concluded before the model
has said something, nor from a file that can't be read.
"""

import os
import time
from _collections_abc import Callable, Collection

from worker_manager.domain.message import Message
from worker_manager.errors import ignoring
from worker_manager.state.files import disk_errors, write_atomic
from worker_manager.state.layout import TRANSCRIPT, mailbox_path, transcript_of
from worker_manager.state.mail.inbox import place_of_receipt
from worker_manager.state.mail.mailbox import Mailbox

#: As `Agent.receipts`: which ids stand in a transcript from an offset on, which are queued, and
#: whether the model has said something.
Look = Callable[[str, int, Collection[str]], tuple[set[str], set[str], bool]]
#: In a home: the transcript in which a receipt was seen.
WORKS = "receipts"
#: A busy machine may be slow to write; until then nothing is concluded.
SETTLE_SECONDS = 5.0
#: A transcript that can't be read may be readable again; after an hour it is taken for lost.
GIVE_UP_SECONDS = 3600.0
#: More than one hook takes at a time.
HISTORY = 50
SEEN, QUEUED, MISSING = "seen", "queued", "missing"
#: Why a message is shown once more, in the journal.
ABSENT = "the session's transcript does not have it"
DROPPED = "it was still queued when its claude process ended"
UNMARKED = "a power cut took the note of where it was shown"
UNREADABLE = "the session's transcript can't be read"
WAITING, TAKEN = "waiting", "taken"
#: A message that was just shown stands in so much of the transcript's end.
FATE_BYTES = 300_000


def note_transcript(home: str, path: str) -> None:
    """From now on the session of this home writes its transcript there."""
    if _read(os.path.join(home, TRANSCRIPT)) != path.encode():
        write_atomic(os.path.join(home, TRANSCRIPT), path.encode())


def requeue_unconfirmed(home: str, look: Look, *, restarted: bool) -> None:
    """Has what the session dropped shown once more. `restarted` when its process is a new one:
    what the old one had only queued is lost. Raises StateUnavailable when the disk has refused
    something; that is left for the next time.
    """
    with disk_errors(mailbox_path(home)):
        _requeue_unconfirmed(home, look, restarted=restarted)


def _requeue_unconfirmed(home: str, look: Look, *, restarted: bool) -> None:
    mailbox = Mailbox(mailbox_path(home))
    portions, refused = _portions(mailbox, look, restarted)
    # Of all of them first: one receipt that is seen tells how the others are to be understood.
    works = dict.fromkeys(one.transcript for one in portions if SEEN in one.found.values())
    for transcript in works:
        note_works(home, transcript)
    for one in portions:
        missing = {name for name, state in one.found.items() if state != SEEN}
        is_same = one.transcript == transcript_of(home)
        may_still_come = QUEUED in one.found.values() or (not one.answered and is_same)
        if not (missing and may_still_come and not restarted):
            is_understood = one.transcript in works or _works(home, one.transcript)
            again_and_again = not one.answered or is_understood
            mailbox.resolve_receipts(
                one.claimer, missing, one.why(), again_and_again=again_and_again
            )
    if refused is not None:
        raise refused


def _portions(
    mailbox: Mailbox, look: Look, restarted: bool
) -> "tuple[list[_Portion], OSError | None]":
    """What was shown long enough ago, and why not all of it can be looked at. What can't be for
    GIVE_UP_SECONDS is shown again, once: a repeat is better than a look at each prompt for ever.
    """
    portions = []
    refused: OSError | None = None
    for claimer in mailbox.pending():
        age = _age(mailbox.folder("pending", claimer))
        if restarted or age >= SETTLE_SECONDS:
            try:
                portions.append(_portion(mailbox, look, claimer))
            except OSError as error:
                if age >= GIVE_UP_SECONDS:
                    mailbox.resolve_receipts(claimer, set(mailbox.ids_read(claimer)), UNREADABLE)
                else:
                    refused = error  # the others may be told all the same
    return portions, refused


class _Portion:
    """What one hook has shown: the state of each message in the transcript it was shown in, and
    whether the model has said something since. Nothing is `found` where that can't be told.
    """

    __slots__ = ("answered", "claimer", "found", "transcript")

    def __init__(self, claimer: str, transcript: str) -> None:
        self.claimer = claimer
        self.transcript = transcript
        self.found: dict[str, str] = {}
        self.answered = False

    def why(self) -> str:
        """Why what is missing is missing."""
        if not self.transcript:
            return UNMARKED
        return DROPPED if QUEUED in self.found.values() else ABSENT


def _portion(mailbox: Mailbox, look: Look, claimer: str) -> _Portion:
    # Before its mark, which is written before they are there: then an empty mark is a lost one.
    shown = mailbox.ids_read(claimer)
    mark = _content(mailbox.folder("pending", claimer))
    if mark is None:  # another one has settled it
        return _Portion(claimer, "")
    offset, path = place_of_receipt(mark)
    portion = _Portion(claimer, path)
    if offset is None:
        portion.found = dict.fromkeys(shown, MISSING)
        return portion
    with ignoring(FileNotFoundError):
        seen, queued, portion.answered = look(path, offset, shown)
        portion.found = dict.fromkeys(shown, MISSING)
        portion.found |= dict.fromkeys(queued, QUEUED) | dict.fromkeys(seen, SEEN)
    return portion


def held_back(home: str, look: Look, *, since: float) -> list[Message]:
    """What hooks have taken since then, and the session shows when the call that runs has ended."""
    mailbox = Mailbox(mailbox_path(home))
    held: set[str] = set()
    for claimer in mailbox.pending():
        marker = mailbox.folder("pending", claimer)
        offset, path = place_of_receipt(_read(marker))
        if offset is not None and _age(marker) < time.time() - since:
            with ignoring(OSError):
                held |= look(path, offset, mailbox.ids_read(claimer))[1]
    return [one for one, _ in mailbox.history(HISTORY) if one.id in held] if held else []


def fate(home: str, look: Look, message_id: str) -> str:
    """What became of a message to this home: WAITING in its mailbox, TAKEN out of it to be shown,
    or SEEN: it stands in the conversation.
    """
    if any(message_id in name for name in Mailbox(mailbox_path(home)).waiting()):
        return WAITING
    path = transcript_of(home)
    try:
        seen, _, _ = look(path, max(0, os.stat(path).st_size - FATE_BYTES), [message_id])
    except OSError:
        return TAKEN
    return SEEN if message_id in seen else TAKEN


def _works(home: str, transcript: str) -> bool:
    """Whether a receipt was ever seen in this transcript: then one that is missing is missing.
    Else we may not understand the file, and a message would come back for ever. Raises OSError.
    """
    return _content(os.path.join(home, WORKS)) == os.fsencode(transcript)


def note_works(home: str, transcript: str) -> None:
    """This transcript is understood: what stands not in it was not shown."""
    if not _works(home, transcript):
        write_atomic(os.path.join(home, WORKS), os.fsencode(transcript))


def _age(path: str) -> float:
    try:
        return abs(time.time() - os.stat(path).st_mtime)
    except OSError:
        return 0.0


def _read(path: str) -> bytes:
    """A file's content; empty when it can't be read."""
    try:
        return _content(path) or b""
    except OSError:
        return b""


def _content(path: str) -> bytes | None:
    """The same; None when there is no such file. Raises OSError."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
