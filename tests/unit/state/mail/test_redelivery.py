"""Letters that lie unread ring again, ever more seldom."""

import os
import select
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.state.mail.test_mailbox import message
from worker_manager.state.bells import Bell
from worker_manager.state.mail import redelivery
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.mail.redelivery import FIRST_SECONDS, MAX_SECONDS

#: When a server began that has been looking since.
LONG_AGO = 0.0


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    mailbox = Mailbox(str(tmp_path / "mail"))
    mailbox.create()
    return mailbox


def touched(mailbox: Mailbox) -> float:
    (name,) = mailbox.waiting()
    return os.stat(mailbox.folder("new", name)).st_mtime


def lain(mailbox: Mailbox, seconds: float) -> None:
    """It came so long ago, and has not rung since."""
    (name,) = mailbox.waiting()
    came = time.time() - seconds
    older = f"{int(came * 1e9):020d}-{name.partition('-')[2]}"
    os.rename(mailbox.folder("new", name), mailbox.folder("new", older))
    os.utime(mailbox.folder("new", older), (came, came))


def test_nothing_is_due_where_nothing_lies(mailbox: Mailbox) -> None:
    redelivery.redeliver_if_due(mailbox, LONG_AGO)

    assert redelivery.next_check(mailbox, time.time(), LONG_AGO) is None


def test_a_letter_rings_again_after_a_while_and_then_ever_more_seldom(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    came = touched(mailbox)
    redelivery.redeliver_if_due(mailbox, LONG_AGO)

    assert touched(mailbox) == came
    assert redelivery.next_check(mailbox, came, LONG_AGO) == pytest.approx(
        came + FIRST_SECONDS, abs=1
    )

    lain(mailbox, 20)
    redelivery.redeliver_if_due(mailbox, LONG_AGO)

    rung = touched(mailbox)
    assert rung == pytest.approx(time.time(), abs=60)
    assert redelivery.next_check(mailbox, rung, LONG_AGO) == pytest.approx(rung + 20, abs=2)

    lain(mailbox, 10 * MAX_SECONDS)
    redelivery.redeliver_if_due(mailbox, LONG_AGO)

    rung = touched(mailbox)
    assert redelivery.next_check(mailbox, rung, LONG_AGO) == pytest.approx(
        rung + MAX_SECONDS, abs=2
    )


def test_a_clock_that_was_set_back_keeps_no_letter_waiting(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    lain(mailbox, -3_600)

    assert redelivery.next_check(mailbox, time.time(), LONG_AGO) == pytest.approx(
        time.time(), abs=60
    )
    redelivery.redeliver_if_due(mailbox, LONG_AGO)

    assert touched(mailbox) == pytest.approx(time.time(), abs=60)


def test_what_a_killed_reader_had_taken_comes_back_and_is_looked_after(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    pid = os.fork()
    if pid == 0:
        mailbox.claim()
        os._exit(0)
    os.waitpid(pid, 0)
    assert mailbox.waiting() == []
    at = time.time()

    assert redelivery.next_check(mailbox, at, LONG_AGO) == pytest.approx(at + FIRST_SECONDS, abs=4)
    redelivery.redeliver_if_due(mailbox, LONG_AGO)

    assert len(mailbox.waiting()) == 1


def test_whoever_delivers_rings_at_the_home(mailbox: Mailbox, tmp_path: Path) -> None:
    with closing(Bell(str(tmp_path))) as bell:
        mailbox.deliver(message(1))
        assert select.select([bell.descriptor], [], [], 0)[0]


def test_an_old_letter_rings_a_new_server_as_often_as_a_new_one(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    lain(mailbox, 10 * MAX_SECONDS)
    began = time.time()
    redelivery.redeliver_if_due(mailbox, began)

    rung = touched(mailbox)
    assert rung == pytest.approx(time.time(), abs=60)
    assert redelivery.next_check(mailbox, rung, began) == pytest.approx(rung + FIRST_SECONDS, abs=2)


def test_a_new_letter_behind_an_old_one_rings_soon(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    lain(mailbox, 10 * MAX_SECONDS)
    redelivery.redeliver_if_due(mailbox, LONG_AGO)
    mailbox.deliver(message(2))

    assert redelivery.next_check(mailbox, time.time(), LONG_AGO) == pytest.approx(
        time.time() + FIRST_SECONDS, abs=4
    )


def test_letters_from_the_future_ring_ever_more_seldom_too(mailbox: Mailbox) -> None:
    mailbox.deliver(message(1))
    lain(mailbox, -3_600)
    redelivery.redeliver_if_due(mailbox, LONG_AGO)

    rung = touched(mailbox)
    assert redelivery.next_check(mailbox, rung, LONG_AGO) == pytest.approx(
        rung + MAX_SECONDS, abs=2
    )
