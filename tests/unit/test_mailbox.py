"""Deliver, claim, acknowledge, release."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker_manager.messages import Message
from worker_manager.state.mailbox import Mailbox


def message(number: int) -> Message:
    return Message(
        id=f"m{number:012d}", type="nudge", sender="s", name="n", sent="now", body=f"text {number}"
    )


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    box = Mailbox(str(tmp_path / "mail"))
    box.create()
    return box


def ids(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]


def test_messages_come_out_once_and_in_order(mailbox: Mailbox) -> None:
    for number in range(5):
        mailbox.deliver(message(number))

    claim = mailbox.claim()

    assert claim is not None
    assert ids(claim.messages) == [f"m{number:012d}" for number in range(5)]
    claim.acknowledge()
    assert mailbox.claim() is None
    assert ids([message for message, _ in mailbox.history(3)]) == [
        f"m{number:012d}" for number in (2, 3, 4)
    ]


def test_a_claim_takes_a_bounded_portion_and_says_what_is_left(mailbox: Mailbox) -> None:
    for number in range(5):
        mailbox.deliver(message(number))

    claim = mailbox.claim(most=2)

    assert claim is not None
    assert (ids(claim.messages), claim.left) == (["m000000000000", "m000000000001"], 3)


def test_a_released_claim_can_be_taken_again(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    first = mailbox.claim()
    assert first is not None
    first.release()

    again = mailbox.claim()

    assert again is not None
    assert ids(again.messages) == ids(first.messages)


def test_what_a_killed_reader_had_claimed_is_shown_again(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    script = (
        "import os, sys, signal; from worker_manager.state.mailbox import Mailbox; "
        "Mailbox(sys.argv[1]).claim(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, mailbox.path], check=False)
    assert mailbox.waiting() == []

    claim = mailbox.claim()

    assert claim is not None
    assert ids(claim.messages) == ["m000000000001"]


def test_a_live_readers_claim_is_left_alone(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    held = mailbox.claim()

    assert mailbox.claim() is None
    assert held is not None


def test_a_torn_file_is_set_aside_and_the_rest_goes_on(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    torn = os.path.join(mailbox.path, "new", "00000000000000000001-nudge-mtorn.mail")
    Path(torn).write_bytes(b"worker-manager-message: 1\n")
    mailbox.deliver(message(2))

    claim = mailbox.claim()

    assert claim is not None
    assert ids(claim.messages) == ["m000000000001", "m000000000002"]


def test_an_id_is_found_wherever_it_went(mailbox: Mailbox) -> None:
    for number in range(3):
        mailbox.deliver(message(number))
    claim = mailbox.claim(most=1)
    assert claim is not None
    claim.acknowledge()
    held = mailbox.claim(most=1)

    assert held is not None
    assert all(mailbox.contains(f"m{number:012d}") for number in range(3))
    assert not mailbox.contains("m000000000009")
