"""Receipts: what Claude Code dropped is shown once more, what the model has seen is not."""

import json
import os
import time
from pathlib import Path

import pytest

from worker_manager.agents.claude.receipts import receipts as look
from worker_manager.agents.claude.receipts import where_it_grows
from worker_manager.domain.message import Message
from worker_manager.errors import StateUnavailable
from worker_manager.state.layout import mailbox_path, transcript_of
from worker_manager.state.mail import receipts
from worker_manager.state.mail.inbox import expect_receipt
from worker_manager.state.mail.mailbox import Mailbox

ID, OTHER = "m0123456789ab", "mffffffffffff"


class Session:
    """A session as far as receipts go: its mailbox, what it is shown, its transcript."""

    def __init__(self, home: str, transcript: Path) -> None:
        self.home, self.transcript = home, transcript
        self.mailbox = Mailbox(mailbox_path(home))

    def name_transcript(self) -> None:
        receipts.note_transcript(self.home, str(self.transcript))

    def deliver(self, message_id: str = ID) -> None:
        letter = Message(id=message_id, type="nudge", sender="s", name="n", sent="t", body="text")
        self.mailbox.deliver(letter)

    def take(self) -> list[bool]:
        """Shows what waits, as a hook does; whether each message is marked as a repeat."""
        receipt = expect_receipt(self.home)
        claim = self.mailbox.claim()
        if claim is None:
            return []
        claim.acknowledge(receipt)
        return [message.repeat for message in claim.messages]

    def write(self, kind: str, text: str = f"mail {ID}") -> None:
        """Into the transcript."""
        with self.transcript.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"type": kind, "message": {"content": text}}) + "\n")

    def answer(self) -> None:
        """The model says something: what it was given before stands there by now."""
        self.write("assistant", "I see.")

    def settle(self, *, restarted: bool) -> None:
        receipts.requeue_unconfirmed(self.home, look, restarted=restarted)

    def settle_later(self, *, restarted: bool = False) -> None:
        """Settles once the receipts have had their time."""
        self.settle_after(receipts.SETTLE_SECONDS, restarted=restarted)

    def settle_after(self, seconds: float, *, restarted: bool = False) -> None:
        then = time.time() - seconds - 1
        for claimer in self.mailbox.pending():
            os.utime(self.mailbox.folder("pending", claimer), (then, then))
        self.settle(restarted=restarted)

    def requeued(self) -> list[tuple[list[str], str]]:
        """Which messages were given back, and why, by the journal."""
        file = Path(self.home, "journal.jsonl")
        lines = map(json.loads, file.read_text("utf-8").splitlines() if file.exists() else [])
        return [(one["letters"], one["why"]) for one in lines]

    def refuses_to_settle(self) -> None:
        with pytest.raises(StateUnavailable):
            self.settle_later()


@pytest.fixture
def session(home: str, tmp_path: Path) -> Session:
    session = Session(home, tmp_path / "transcript.jsonl")
    session.transcript.touch()
    session.name_transcript()
    return session


@pytest.fixture
def shown(session: Session) -> Session:
    """A session that was shown a message just now."""
    session.deliver()
    session.take()
    return session


@pytest.mark.promise("mail-receipt")
@pytest.mark.parametrize("kind", ["user", "attachment", "system"])
def test_what_stands_in_the_transcript_is_not_shown_again(shown: Session, kind: str) -> None:
    shown.write(kind)

    shown.settle_later()

    assert (shown.take(), shown.mailbox.pending()) == ([], [])


@pytest.mark.promise("mail-requeued")
def test_what_is_missing_is_shown_once_more_with_a_mark_and_no_third_time(session: Session) -> None:
    session.deliver()
    assert session.take() == [False]
    session.answer()

    session.settle_later()
    assert session.take() == [True]
    session.answer()
    session.settle_later()

    assert (session.take(), session.mailbox.pending()) == ([], [])
    assert session.requeued() == [([ID], receipts.ABSENT)]
    assert [message.id for message, _ in session.mailbox.history(9)] == [ID]


@pytest.mark.promise("mail-receipt")
def test_where_receipts_are_known_to_work_a_missing_one_is_missed_each_time(
    session: Session,
) -> None:
    session.deliver()
    session.deliver(OTHER)
    session.take()
    session.write("user", f"mail {OTHER}")

    for _ in range(3):
        session.answer()
        session.settle_later()
        assert session.take() == [True]


@pytest.mark.parametrize("left", [b"", b"\0" * 30])
def test_a_power_cut_that_leaves_the_mark_without_its_text_has_it_shown_again(
    shown: Session, left: bytes
) -> None:
    for claimer in shown.mailbox.pending():
        Path(shown.mailbox.folder("pending", claimer)).write_bytes(left)

    shown.settle_later()

    assert (shown.take(), len(shown.mailbox.pending())) == ([True], 1)
    assert shown.requeued() == [([ID], receipts.UNMARKED)]


def test_what_another_one_settles_at_the_same_time_is_not_shown_again(shown: Session) -> None:
    for claimer in shown.mailbox.pending():
        mark = Path(shown.mailbox.folder("pending", claimer))
        mark.unlink()
        mark.symlink_to("nowhere")  # listed, and then not there

    shown.settle(restarted=True)

    assert shown.take() == []


def test_before_the_model_has_spoken_nothing_is_concluded(shown: Session) -> None:
    shown.write("user", "something else")

    shown.settle_later()

    assert (shown.take(), len(shown.mailbox.pending())) == ([], 1)


def test_what_was_shown_to_sessions_that_ended_without_a_word_is_shown_each_time(
    shown: Session,
) -> None:
    for _ in range(3):
        shown.settle(restarted=True)
        assert shown.take() == [True]


def test_what_is_only_queued_waits_until_its_process_is_gone(shown: Session) -> None:
    shown.write("queue-operation")

    shown.settle_later()
    assert (shown.take(), len(shown.mailbox.pending())) == ([], 1)
    assert shown.requeued() == []
    shown.settle(restarted=True)

    assert shown.take() == [True]
    assert shown.requeued() == [([ID], receipts.DROPPED)]


def test_what_was_queued_and_then_given_to_the_model_is_seen(shown: Session) -> None:
    shown.write("queue-operation")
    shown.write("user")

    shown.settle_later()

    assert (shown.take(), shown.mailbox.pending()) == ([], [])


def test_the_models_own_words_are_no_receipt(shown: Session) -> None:
    shown.write("assistant")

    shown.settle_later()

    assert shown.take() == [True]


def test_what_stood_in_the_transcript_before_is_no_receipt(session: Session) -> None:
    session.write("user")
    session.deliver()
    session.take()
    session.answer()

    session.settle_later()

    assert session.take() == [True]


def test_of_several_messages_only_the_missing_one_comes_again(session: Session) -> None:
    session.deliver()
    session.deliver(OTHER)
    session.take()
    session.write("user")
    session.answer()

    session.settle_later()

    claim = session.mailbox.claim()
    assert claim is not None
    assert [message.id for message in claim.messages] == [OTHER]


@pytest.mark.parametrize("restarted", [False, True])
def test_without_a_transcript_nothing_is_concluded(shown: Session, restarted: bool) -> None:
    shown.transcript.unlink()

    shown.settle_later(restarted=restarted)

    assert (shown.take(), shown.mailbox.pending()) == ([], [])


def test_before_a_session_has_named_its_transcript_no_receipt_is_expected(
    home: str, tmp_path: Path
) -> None:
    session = Session(home, tmp_path / "transcript.jsonl")
    session.deliver()

    session.take()

    assert session.mailbox.pending() == []


def test_a_transcript_that_is_not_yet_written_is_read_from_its_beginning(
    home: str, tmp_path: Path
) -> None:
    session = Session(home, tmp_path / "later.jsonl")
    session.name_transcript()
    session.deliver()
    session.take()
    session.answer()

    session.settle_later()

    assert session.take() == [True]


def test_a_young_receipt_is_waited_for_unless_the_process_is_gone(shown: Session) -> None:
    shown.settle(restarted=False)
    assert (shown.take(), len(shown.mailbox.pending())) == ([], 1)
    shown.settle(restarted=True)

    assert shown.take() == [True]


def test_a_receipt_that_is_seen_tells_of_those_that_were_due_before(session: Session) -> None:
    session.name_transcript()
    session.deliver()
    session.take()
    session.settle(restarted=True)  # dropped
    session.take()  # and once more
    session.deliver(OTHER)
    session.take()
    session.write("user", f"mail {OTHER}")
    session.answer()

    session.settle(restarted=True)

    assert session.take() == [True]


def test_receipts_of_one_conversation_are_understood_beside_those_of_another(
    session: Session, tmp_path: Path
) -> None:
    session.deliver()
    session.take()
    session.settle(restarted=True)  # dropped
    session.deliver(OTHER)
    assert session.take() == [True, False]  # of these the first is dropped again
    session.write("user", f"mail {OTHER}")
    session.answer()
    session.transcript = tmp_path / "the next one.jsonl"  # after /clear
    session.transcript.touch()
    session.name_transcript()
    session.deliver("m999999999999")
    session.take()
    session.write("user", "mail m999999999999")
    session.answer()

    session.settle(restarted=True)

    assert session.take() == [True]


@pytest.mark.promise("mail-receipt")
def test_a_transcript_that_can_never_be_read_is_given_up_after_one_repeat(session: Session) -> None:
    session.transcript.unlink()
    session.transcript.mkdir()  # opened by nobody, whoever they are
    session.deliver()
    assert session.take() == [False]

    for repeats in ([True], []):
        session.refuses_to_settle()
        assert session.mailbox.pending() != []
        session.settle_after(receipts.GIVE_UP_SECONDS)
        assert session.mailbox.pending() == []
        assert session.take() == repeats
    assert session.requeued() == [([ID], receipts.UNREADABLE)]


@pytest.mark.promise("mail-receipt")
def test_the_transcript_of_a_session_resumed_elsewhere_is_found_by_its_name(
    home: str, tmp_path: Path
) -> None:
    began, resumed = (tmp_path / "projects" / name for name in ("-a", "-b"))
    for folder in (began, resumed):
        folder.mkdir(parents=True)
    (began / "id.jsonl").touch()

    receipts.note_transcript(home, where_it_grows(str(resumed / "id.jsonl")))
    assert transcript_of(home) == str(began / "id.jsonl")

    receipts.note_transcript(home, where_it_grows(str(resumed / "new.jsonl")))
    assert transcript_of(home) == str(resumed / "new.jsonl")
