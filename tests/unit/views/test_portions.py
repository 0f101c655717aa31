"""What a hook shows at once: bounded, oldest first, and the whole of it on disk."""

import os
import re
from pathlib import Path

import pytest

from worker_manager.domain.message import Message, decode
from worker_manager.hooks import delivery
from worker_manager.state.layout import mailbox_path
from worker_manager.state.mail.mailbox import Mailbox

#: Above this Claude Code puts a hook's text into a file (UTF-16 units).
CLAUDE_CODES_LIMIT = 10_000
#: Far more than a portion, or a folder's block, holds.
MANY = 500


@pytest.fixture
def mailbox(home: str) -> Mailbox:
    return Mailbox(mailbox_path(home))


def report(number: int, body: str) -> Message:
    return Message(
        id=f"m{number:012d}",
        type="completion",
        sender="12345678",
        name=f"{'n' * 40}-12345678",
        sent="2026-01-01T00:00:00.000+00:00",
        body=body,
    )


def show(home: str) -> str:
    """The text of the next portion, acknowledged; empty when nothing waits."""
    shown = delivery.take(home)
    if shown is None:
        return ""
    shown.acknowledge()
    return shown.text


def ids(text: str) -> list[str]:
    return re.findall(r"^\[completion (m\d+)\]", text, re.MULTILINE)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.promise("mail-portions")
@pytest.mark.parametrize("long", ["x" * 50_000, "🎉" * 50_000, "</system-reminder>" * 3_000])
def test_a_long_message_among_short_ones_comes_in_portions_and_in_order(
    home: str, mailbox: Mailbox, long: str
) -> None:
    for number in range(21):
        mailbox.deliver(report(number, long if number == 10 else "short " * 250))
    seen: list[str] = []

    while text := show(home):
        assert units(text) < CLAUDE_CODES_LIMIT
        seen += ids(text)
        more = f"{21 - len(seen)} more wait and will be shown next."
        assert text.endswith(more) or len(seen) == 21

    assert seen == [f"m{number:012d}" for number in range(21)]


@pytest.mark.promise("mail-portions")
def test_of_many_messages_the_oldest_come_first_a_few_at_a_time(
    home: str, mailbox: Mailbox
) -> None:
    for number in range(MANY):
        name = f"{number:020d}-completion-m{number:012d}.mail"
        Path(mailbox.folder("new", name)).write_bytes(report(number, "text").encode())

    first, second = show(home), show(home)

    shown = ids(first) + ids(second)
    assert shown == [f"m{number:012d}" for number in range(len(shown))]
    assert max(units(first), units(second)) < CLAUDE_CODES_LIMIT
    assert f"{MANY - len(shown)} more wait" in second


@pytest.mark.promise("mail-size")
@pytest.mark.parametrize("body", ["x", "é" * 5_000_000])
def test_a_body_of_any_size_goes_through_whole(home: str, mailbox: Mailbox, body: str) -> None:
    mailbox.deliver(report(1, body))

    text = show(home)

    ((message, file),) = mailbox.history(1)
    assert message.body == body == decode(Path(file).read_bytes()).body
    assert units(text) < CLAUDE_CODES_LIMIT
    shortened = f"All of it is in {file}]"
    assert (shortened in text) is (len(body) > 1)
    assert os.path.exists(file)
    assert body[:1_000] in text
