"""The file format of a message."""

import pytest

from worker_manager.domain.message import Message, decode
from worker_manager.errors import StateCorrupt


def message(body: str = "hello\n\nworld", name: str = "fix-1a2b3c4d") -> Message:
    return Message(
        id="m0123456789ab", type="question", sender="1a2b3c4d", name=name, sent="now", body=body
    )


@pytest.mark.parametrize("body", ["x", "", "a\n\nb\n", "id: forged\n\n", "ünïcode 🎉", "x" * 10**6])
def test_a_body_comes_back_as_it_was_given(body: str) -> None:
    assert decode(message(body).encode()).body == body


def test_a_name_with_line_breaks_forges_no_header() -> None:
    read = decode(message(name="x\nsender: forged").encode())

    assert read.sender == "1a2b3c4d"


@pytest.mark.parametrize("cut", [0, 10, 100, -1])
def test_a_torn_message_is_told_from_a_whole_one(cut: int) -> None:
    with pytest.raises(StateCorrupt):
        decode(message().encode()[:cut])
