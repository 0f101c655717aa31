"""Deliver, claim, acknowledge, release."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from worker_manager.domain.message import Message
from worker_manager.errors import StateUnavailable
from worker_manager.state import process_identity
from worker_manager.state.mail.mailbox import Mailbox


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


@pytest.mark.promise("mail-once")
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

    claim = mailbox.claim(limit=2)

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


@pytest.mark.promise("mail-claim")
def test_what_a_killed_reader_had_claimed_is_shown_again(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    claim_and_die(mailbox)
    assert mailbox.waiting() == []

    claim = mailbox.claim()

    assert claim is not None
    assert ids(claim.messages) == ["m000000000001"]


def claim_and_die(mailbox: Mailbox) -> None:
    script = (
        "import os, sys, signal; from worker_manager.state.mail.mailbox import Mailbox; "
        "Mailbox(sys.argv[1]).claim(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, mailbox.path], check=False)


@pytest.mark.promise("mail-claim")
def test_a_live_readers_claim_is_left_alone(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    held = mailbox.claim()

    assert mailbox.claim() is None
    assert held is not None


@pytest.mark.promise("reconcile-damaged")
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
    claim = mailbox.claim(limit=1)
    assert claim is not None
    claim.acknowledge()
    held = mailbox.claim(limit=1)

    assert held is not None
    assert all(mailbox.contains(f"m{number:012d}") for number in range(3))
    assert not mailbox.contains("m000000000009")


@pytest.mark.promise("mail-clock")
def test_a_clock_that_jumps_back_changes_no_order(mailbox: Mailbox) -> None:
    future = message(1)
    Path(mailbox.folder("new", f"{2 * 10**18:020d}-nudge-{future.id}.mail")).write_bytes(
        future.encode()
    )
    mailbox.deliver(message(2))
    held = mailbox.claim()
    mailbox.deliver(message(3))
    assert held is not None
    held.release()

    claim = mailbox.claim()

    assert claim is not None
    assert ids(claim.messages) == [message(number).id for number in (1, 2, 3)]


@pytest.mark.promise("secure-links")
@pytest.mark.parametrize("kind", ["fifo", "link", "dangling link", "directory"])
def test_what_is_no_file_is_set_aside_and_neither_waited_for_nor_followed(
    mailbox: Mailbox, tmp_path: Path, kind: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(message(9).encode())
    odd = Path(mailbox.folder("new", "00000000000000000001-nudge-m000000000009.mail"))
    plant(odd, kind, secret)
    mailbox.deliver(message(1))

    claim = mailbox.claim()

    assert claim is not None
    assert ids(claim.messages) == [message(1).id]
    assert secret.read_bytes() == message(9).encode()
    assert [os.path.basename(name) for name in os.listdir(mailbox.folder("corrupt"))] == [odd.name]


def plant(path: Path, kind: str, target: Path) -> None:
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
        (path / "inside").touch()
    else:
        path.symlink_to(target if kind == "link" else target / "nowhere")


def test_pruning_removes_old_drafts_and_old_history_only(mailbox: Mailbox) -> None:
    day = 86_400 * 10**9
    old, young = f"{time.time_ns() - 32 * day:020d}", f"{time.time_ns() - day // 2:020d}"
    kept = {f"{young}-nudge-ma.mail"}
    for folder in ("tmp", "new", f"claimed/{old}-1-1", f"read/{old}-1-1", f"read/{young}-1-1"):
        os.makedirs(mailbox.folder(folder), exist_ok=True)
        for stamp in (old, young):
            Path(mailbox.folder(folder, f"{stamp}-nudge-ma.mail")).touch()

    mailbox.prune()

    assert set(os.listdir(mailbox.folder("tmp"))) == kept
    assert os.listdir(mailbox.folder("read")) == [f"{young}-1-1"]
    assert len(os.listdir(mailbox.folder("read", f"{young}-1-1"))) == 2
    assert len(os.listdir(mailbox.folder("new"))) == 2
    assert len(os.listdir(mailbox.folder("claimed", f"{old}-1-1"))) == 2


@pytest.mark.promise("secure-links")
@pytest.mark.parametrize("where", ["tmp", "read", "read/00000000000000000001-1-1"])
def test_pruning_follows_no_link_out_of_the_mailbox(
    mailbox: Mailbox, tmp_path: Path, where: str
) -> None:
    folder = tmp_path / "precious" / "folder"
    folder.mkdir(parents=True)
    for path in (folder / "file", folder.parent / "file"):
        path.touch()
    if where == "tmp":
        os.rmdir(mailbox.folder(where))
    Path(mailbox.folder(where)).parent.mkdir(exist_ok=True)
    Path(mailbox.folder(where)).symlink_to(folder.parent if where == "read" else folder)

    with suppress(StateUnavailable):
        mailbox.prune()

    assert [path.exists() for path in (folder / "file", folder.parent / "file")] == [True, True]


@pytest.mark.promise("mail-once")
def test_what_a_killed_reader_may_have_shown_is_marked_as_a_repeat(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    claim_and_die(mailbox)

    claim = mailbox.claim()

    assert claim is not None
    assert [message.repeat for message in claim.messages] == [True]


def test_what_was_released_unseen_is_no_repeat(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    held = mailbox.claim()
    assert held is not None
    held.release()

    claim = mailbox.claim()

    assert claim is not None
    assert [message.repeat for message in claim.messages] == [False]


def requeued(folder: Path) -> list[tuple[list[str], str, str]]:
    """What the journal there says of messages that were given back."""
    file = folder / "journal.jsonl"
    lines = map(json.loads, file.read_text("utf-8").splitlines() if file.exists() else [])
    return [
        (one["letters"], one["reader"], one["why"]) for one in lines if one["event"] == "requeued"
    ]


@pytest.mark.promise("mail-requeued")
def test_what_is_given_back_leaves_one_line_that_says_why(mailbox: Mailbox, tmp_path: Path) -> None:
    letters = [message(1), message(2)]
    for one in letters:
        mailbox.deliver(one)
    claim_and_die(mailbox)
    (dead,) = os.listdir(mailbox.folder("claimed"))
    held = mailbox.claim()
    assert held is not None
    (living,) = os.listdir(mailbox.folder("claimed"))
    held.release()
    claim = mailbox.claim()
    assert claim is not None
    claim.acknowledge()

    assert requeued(tmp_path) == [
        (ids(letters), dead, "its reader ended before it had said it was shown"),
        (ids(letters), living, "its reader did not show it"),
    ]
    assert "text 1" not in (tmp_path / "journal.jsonl").read_text("utf-8")


@pytest.mark.promise("identity-reboot")
@pytest.mark.parametrize(("started", "is_taken"), [("", False), ("1", True)])
def test_a_claim_is_given_back_only_once_its_very_process_has_ended(
    mailbox: Mailbox, started: str, is_taken: bool
) -> None:
    living = process_identity.identity(os.getpid())
    claimer = f"{living.partition('-')[0]}-{started}" if started else living
    folder = Path(mailbox.folder("claimed", f"{1:020d}-{claimer}"))
    folder.mkdir(parents=True)
    (folder / "00000000000000000001-nudge-m000000000001.mail").write_bytes(message(1).encode())

    assert mailbox.release_stale() is is_taken
    assert folder.exists() is not is_taken
    assert (mailbox.claim() is not None) is is_taken


@pytest.mark.promise("disk-refused")
def test_what_can_not_be_set_aside_keeps_no_other_message_from_being_read(
    mailbox: Mailbox,
) -> None:
    Path(mailbox.folder("new", "00000000000000000001-nudge-m1.mail")).write_bytes(b"torn")
    Path(mailbox.folder("corrupt")).write_text("no folder: the disk refuses", "utf-8")
    assert mailbox.claim() is None
    mailbox.deliver(message(2))

    claim = mailbox.claim()

    assert claim is not None
    assert ids(claim.messages) == [message(2).id]
    claim.acknowledge()
    assert [one.id for one, _ in mailbox.history(9)] == [message(2).id]


@pytest.mark.promise("mail-once")
def test_a_message_is_found_whatever_becomes_of_the_index(mailbox: Mailbox) -> None:
    index = Path(mailbox.folder("read.ids"))
    for number in range(3):
        mailbox.deliver(message(number))
        claim = mailbox.claim()
        assert claim is not None
        claim.acknowledge()
        assert mailbox.contains(message(number).id)
        if number == 1:  # a killed writer's
            index.write_bytes(index.read_bytes()[:-3])
    assert [mailbox.contains(message(one).id) for one in range(4)] == [True, True, True, False]
    index.write_bytes(b"\xff junk\n")
    assert mailbox.contains(message(0).id)
    index.unlink()
    index.mkdir()
    assert mailbox.contains(message(0).id)
    assert mailbox.find(message(2).id)
    assert mailbox.reader(message(2).id) == process_identity.identity(os.getpid())

    mailbox.resolve_receipts(min(os.listdir(mailbox.folder("read"))), {message(0).id}, "lost")

    assert mailbox.is_unread(message(0).id)
    assert mailbox.reader(message(0).id) == ""


@pytest.mark.promise("mail-once")
def test_the_history_of_a_month_is_looked_through_once(mailbox: Mailbox) -> None:
    for number in range(300):
        folder = mailbox.folder("read", f"{number:020d}-1-1")
        os.makedirs(folder)
        name = f"{number:020d}-nudge-{message(number).id}.mail"
        Path(folder, name).write_bytes(message(number).encode())
    assert not mailbox.contains("m")

    looks: list[str] = []
    sys.addaudithook(
        lambda event, given: looks.append(str(given[0])) if event == "os.listdir" else None
    )
    assert not mailbox.contains("m")
    assert mailbox.contains(message(7).id)
    assert len(mailbox.history(5)) == 5

    assert len(looks) < 30
    mailbox.prune()
    assert os.listdir(mailbox.folder("read")) == []
    assert not mailbox.contains(message(7).id)
