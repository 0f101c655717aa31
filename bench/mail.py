"""Mail: delivered durably, taken and acknowledged."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.measuring import Plan, Row, in_turns, seconds
from bench.stage import Stage, stage
from worker_manager.domain import identifiers
from worker_manager.domain.message import Message
from worker_manager.state.mail.mailbox import Mailbox

_BODY = "x" * 1_000
#: How much slower ext4 makes a file than it adds to one, while it avoids inodes freed just now, is
#: not ours to judge: the row above, whose floor makes files too, is.
_ANY = math.inf


def rows(plan: Plan) -> Iterator[Row]:
    """One letter, many writers, many letters."""
    with stage() as world:
        folder = world.folder / "bare"
        folder.mkdir()
        ours, floor = in_turns(
            plan.rounds * 10,
            partial(_deliver_one, _mailbox(world, "one")),
            partial(bare_letter, folder),
        )
        yield Row("a letter, durable", "write, fsync, rename, fsync", ours, floor, 1.5)
        for writers in (1, 8):
            log = world.folder / f"log-{writers}"
            ours, floor = in_turns(
                plan.rounds, partial(_deliver_anew, world, writers), partial(_log, log, writers)
            )
            yield Row(
                f"200 letters of {writers} writers", "append, fdatasync", ours, floor, 4.0, _ANY
            )
        ours, floor = in_turns(
            plan.rounds,
            partial(_report, _with_history(world, 10_000)),
            partial(_report, _with_history(world, 0)),
        )
        yield Row("a report, beside 30.000 shown", "with none", ours, floor, 10.0)
        for letters in (1_000, 10_000):
            ours, floor = in_turns(
                1, partial(_drain, world, letters), partial(_bare_drain, world.folder, letters)
            )
            yield Row(f"{letters:,} letters read", "rename, read", ours, floor, 2.0)


def _mailbox(world: Stage, name: str) -> Mailbox:
    mailbox = Mailbox(str(world.folder / "state" / name))
    mailbox.create()
    return mailbox


def _with_history(world: Stage, count: int) -> Mailbox:
    """Of so many readers, each of which has shown a letter."""
    mailbox = _mailbox(world, f"history-{count}")
    now = time.time_ns()
    for number in range(count):
        folder = Path(mailbox.folder("read", f"{now + number:020d}-1-1"))
        folder.mkdir(parents=True)
        name = f"{now + number:020d}-nudge-m{number:012x}.mail"
        Path(folder, name).write_bytes(_letter().encode())
    mailbox.contains("")  # what was looked up once is known
    return mailbox


def _report(mailbox: Mailbox) -> float:
    """As it is delivered when nobody knows whether it was before."""
    letter = _letter()

    def run() -> None:
        if not mailbox.contains(letter.id):
            mailbox.deliver(letter)

    return seconds(run)


def _letter() -> Message:
    name = identifiers.new_message_id()
    return Message(id=name, type="nudge", sender="0" * 8, name="n", sent="now", body=_BODY)


def _deliver_one(mailbox: Mailbox) -> float:
    letter = _letter()
    return seconds(lambda: mailbox.deliver(letter))


def _deliver(mailbox: Mailbox, each: int, writers: int) -> float:
    def work() -> None:
        for _ in range(each):
            mailbox.deliver(_letter())

    return _at_once(work, writers)


def _deliver_anew(world: Stage, writers: int) -> float:
    """Into an empty mailbox."""
    return _deliver(_mailbox(world, identifiers.random_hex(4)), 200 // writers, writers)


def _at_once(work: Callable[[], object], writers: int) -> float:
    """Each in a process of its own, as workers are; without what it takes to start them."""
    context = multiprocessing.get_context("fork")
    begin, end = context.Barrier(writers + 1), context.Barrier(writers + 1)

    def run() -> None:
        begin.wait()
        work()
        end.wait()

    processes = [context.Process(target=run) for _ in range(writers)]
    for one in processes:
        one.start()
    begin.wait()
    took = seconds(end.wait)
    for one in processes:
        one.join()
    return took


def bare_letter(folder: Path) -> float:
    """What one letter must cost in any case, in seconds."""
    name = identifiers.random_hex(8)

    def run() -> None:
        descriptor = os.open(folder / f".{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, _BODY.encode())
        os.fsync(descriptor)
        os.close(descriptor)
        os.rename(folder / f".{name}", folder / name)
        directory = os.open(folder, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    return seconds(run)


def _log(path: Path, writers: int) -> float:
    def work() -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for _ in range(200 // writers):
            os.write(descriptor, _BODY.encode())
            os.fdatasync(descriptor)
        os.close(descriptor)

    return _at_once(work, writers)


def _drain(world: Stage, letters: int) -> float:
    mailbox = _mailbox(world, f"drain-{identifiers.random_hex(4)}")
    message = _letter()
    for number in range(letters):  # not durable: only what is read is measured
        name = f"{number:020d}-nudge-m{number:012x}.mail"
        Path(mailbox.folder("new", name)).write_bytes(message.encode())

    def run() -> None:
        while claim := mailbox.claim(limit=letters):
            claim.acknowledge()

    return seconds(run)


def _bare_drain(folder: Path, letters: int) -> float:
    source = folder / identifiers.random_hex(4)
    source.mkdir()
    content = _letter().encode()
    for number in range(letters):
        (source / f"{number:020d}").write_bytes(content)
    target = folder / identifiers.random_hex(4)
    target.mkdir()

    def run() -> None:
        for name in sorted(os.listdir(source)):
            os.rename(source / name, target / name)
            (target / name).read_bytes()

    return seconds(run)
