"""Receipts: what Claude Code dropped is shown once more, what the model has seen is not."""

import json
import os
import time
from pathlib import Path

import pytest

from worker_manager.messages import Message
from worker_manager.state import orchestrators, receipts
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mailbox import Mailbox

ID = "m0123456789ab"


@pytest.fixture
def home(tmp_path: Path) -> str:
    return orchestrators.open_home(state_root(), "session-1", str(tmp_path))


@pytest.fixture
def mailbox(home: str) -> Mailbox:
    return Mailbox(mailbox_path(home))


@pytest.fixture
def transcript(home: str, tmp_path: Path) -> Path:
    path = tmp_path / "transcript.jsonl"
    path.touch()
    receipts.note_transcript(home, str(path))
    return path


def write(transcript: Path, kind: str, text: str = f"mail {ID}") -> None:
    with transcript.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"type": kind, "message": {"content": text}}) + "\n")


def answer(transcript: Path) -> None:
    """The model says something: what it was given before stands there by now."""
    write(transcript, "assistant", "I see.")


def deliver(mailbox: Mailbox) -> None:
    mailbox.deliver(Message(id=ID, type="nudge", sender="s", name="n", sent="t", body="text"))


def show(home: str) -> list[bool]:
    """Takes what waits, as a hook does; whether each message is marked as a repeat."""
    receipt = receipts.expect(home)
    claim = Mailbox(mailbox_path(home)).claim()
    if claim is None:
        return []
    claim.acknowledge(receipt)
    return [message.repeat for message in claim.messages]


def settle_later(home: str, *, restarted: bool = False) -> None:
    """Settles once the receipts have had their time."""
    mailbox = Mailbox(mailbox_path(home))
    then = time.time() - receipts.SETTLE_SECONDS - 1
    for claimer in mailbox.pending():
        os.utime(mailbox.folder("pending", claimer), (then, then))
    receipts.settle(home, restarted=restarted)


@pytest.mark.promise("mail-receipt")
@pytest.mark.parametrize("kind", ["user", "attachment", "system"])
def test_what_stands_in_the_transcript_is_not_shown_again(
    home: str, mailbox: Mailbox, transcript: Path, kind: str
) -> None:
    deliver(mailbox)
    show(home)
    write(transcript, kind)

    settle_later(home)

    assert (show(home), mailbox.pending()) == ([], [])


def test_what_is_missing_is_shown_once_more_with_a_mark_and_no_third_time(
    home: str, mailbox: Mailbox, transcript: Path
) -> None:
    deliver(mailbox)
    assert show(home) == [False]
    answer(transcript)

    settle_later(home)
    assert show(home) == [True]
    answer(transcript)
    settle_later(home)

    assert (show(home), mailbox.pending()) == ([], [])
    assert [message.id for message, _ in mailbox.history(9)] == [ID]


@pytest.mark.promise("mail-receipt")
def test_where_receipts_are_known_to_work_a_missing_one_is_missed_each_time(
    home: str, mailbox: Mailbox, transcript: Path
) -> None:
    deliver(mailbox)
    other = Message(id="mffffffffffff", type="nudge", sender="s", name="n", sent="t", body="x")
    mailbox.deliver(other)
    show(home)
    write(transcript, "user", f"mail {other.id}")

    for _ in range(3):
        answer(transcript)
        settle_later(home)
        assert show(home) == [True]


def test_before_the_model_has_spoken_nothing_is_concluded(
    home: str, mailbox: Mailbox, transcript: Path
) -> None:
    deliver(mailbox)
    show(home)
    write(transcript, "user", "something else")

    settle_later(home)

    assert (show(home), len(mailbox.pending())) == ([], 1)


def test_what_was_shown_to_sessions_that_ended_without_a_word_is_shown_each_time(
    home: str, mailbox: Mailbox, transcript: Path
) -> None:
    deliver(mailbox)
    show(home)

    for _ in range(3):
        receipts.settle(home, restarted=True)
        assert show(home) == [True]


def test_what_is_only_queued_waits_until_its_process_is_gone(
    home: str, mailbox: Mailbox, transcript: Path
) -> None:
    deliver(mailbox)
    show(home)
    write(transcript, "queue-operation")

    settle_later(home)
    assert (show(home), len(mailbox.pending())) == ([], 1)
    receipts.settle(home, restarted=True)

    assert show(home) == [True]


def test_what_was_queued_and_then_given_to_the_model_is_seen(
    home: str, mailbox: Mailbox, transcript: Path
) -> None:
    deliver(mailbox)
    show(home)
    write(transcript, "queue-operation")
    write(transcript, "user")

    settle_later(home)

    assert (show(home), mailbox.pending()) == ([], [])


def test_the_models_own_words_are_no_receipt(home: str, mailbox: Mailbox, transcript: Path) -> None:
    deliver(mailbox)
    show(home)
    write(transcript, "assistant")

    settle_later(home)

    assert show(home) == [True]


def test_what_stood_in_the_transcript_before_is_no_receipt(
    home: str, mailbox: Mailbox, transcript: Path
) -> None:
    write(transcript, "user")
    deliver(mailbox)
    show(home)
    answer(transcript)

    settle_later(home)

    assert show(home) == [True]


def test_of_several_messages_only_the_missing_one_comes_again(
    home: str, mailbox: Mailbox, transcript: Path
) -> None:
    deliver(mailbox)
    other = Message(id="mffffffffffff", type="nudge", sender="s", name="n", sent="t", body="x")
    mailbox.deliver(other)
    show(home)
    write(transcript, "user")
    answer(transcript)

    settle_later(home)

    claim = mailbox.claim()
    assert claim is not None
    assert [message.id for message in claim.messages] == [other.id]


@pytest.mark.parametrize("restarted", [False, True])
def test_without_a_transcript_nothing_is_concluded(
    home: str, mailbox: Mailbox, transcript: Path, restarted: bool
) -> None:
    deliver(mailbox)
    show(home)
    transcript.unlink()

    settle_later(home, restarted=restarted)

    assert (show(home), mailbox.pending()) == ([], [])


def test_before_a_session_has_named_its_transcript_no_receipt_is_expected(
    home: str, mailbox: Mailbox
) -> None:
    deliver(mailbox)

    show(home)

    assert mailbox.pending() == []


def test_a_transcript_that_is_not_yet_written_is_read_from_its_beginning(
    home: str, mailbox: Mailbox, tmp_path: Path
) -> None:
    transcript = tmp_path / "later.jsonl"
    receipts.note_transcript(home, str(transcript))
    deliver(mailbox)
    show(home)
    answer(transcript)

    settle_later(home)

    assert show(home) == [True]


def test_a_young_receipt_is_waited_for_unless_the_process_is_gone(
    home: str, mailbox: Mailbox, transcript: Path
) -> None:
    deliver(mailbox)
    show(home)

    receipts.settle(home, restarted=False)
    assert (show(home), len(mailbox.pending())) == ([], 1)
    receipts.settle(home, restarted=True)

    assert show(home) == [True]
