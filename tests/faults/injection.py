"""Runs our code in a process that is killed, or whose disk refuses, at its n-th step.

    outcome = run(deliver, path, message, fault=KILL, at=3)

A step is a call that changes or reads the file system, or starts a program: what Python's audit
events tell just before it is done, and fsync. Each run is a fork of a clean process.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

KILL = 0
#: A rename that is done, and said to have failed: only renames count as steps.
LATE = -1
ERRORS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO)
_STEPS = {
    "open",
    "os.listdir",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.scandir",
    "os.symlink",
    "subprocess.Popen",
}
_NEVER = sys.maxsize

#: Starts processes from a clean one.
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["filelock", "tests.faults.actions", "tests.faults.injection"])


class Outcome(NamedTuple):
    """How a run ended: what it told before; then a result, or an error (`type: text`), or
    neither, when it was killed; and how many steps it took.
    """

    told: list[Any]
    result: Any
    error: str
    killed: bool
    steps: int


def run(
    action: Callable[..., Any], *args: Any, root: str = "", fault: int = KILL, at: int = _NEVER
) -> Outcome:
    """Calls `action(tell, *args)` in a process of its own; at step `at` it is killed, or gets
    the error number `fault`. Only files below `root` count.
    """
    reader, writer = forks.Pipe(duplex=False)
    child = forks.Process(target=_play, args=(writer, action, args, root, fault, at))
    child.start()
    writer.close()
    received = list(_all(reader))
    child.join()
    ended = received.pop() if received and received[-1][0] == "ended" else None
    told = [content for _, content in received]
    if ended is None:
        assert child.exitcode == -signal.SIGKILL, child.exitcode
        return Outcome(told, None, "", True, at)
    _, result, error, steps = ended
    return Outcome(told, result, error, False, steps)


def at_every_step(
    attempt: Callable[[int], Outcome],
) -> Iterator[tuple[int, Outcome]]:
    """Outcomes with the fault at step 1, 2, 3 ... up to the first that has no such step."""
    at = 0
    while True:
        at += 1
        outcome = attempt(at)
        yield at, outcome
        if not outcome.killed and outcome.steps < at:
            return


def _all(reader: Connection) -> Iterator[tuple[Any, ...]]:
    with reader:
        while True:
            try:
                yield reader.recv()
            except (EOFError, ConnectionResetError):
                return


def _play(
    writer: Connection, action: Callable[..., Any], args: Any, root: str, fault: int, at: int
) -> None:
    steps = _Steps(root, fault, at)
    steps.watch()
    result, error = None, ""
    try:
        result = action(lambda content: writer.send(("told", content)), *args)
    except Exception as caught:  # noqa: BLE001  the test judges it
        error = f"{type(caught).__name__}: {caught}"
    steps.at = _NEVER
    writer.send(("ended", result, error, steps.count))


class _Steps:
    """Counts the steps of this process, and lets one of them fail."""

    def __init__(self, root: str, fault: int, at: int) -> None:
        self.count = 0
        self.at = at
        self._root = root
        self._fault = fault
        self._fsync, self._rename = os.fsync, os.rename

    def watch(self) -> None:
        """From now on."""
        if self._fault == LATE:
            os.rename = self._late_rename  # type: ignore[assignment]
        else:
            os.fsync = self._counted_fsync
            sys.addaudithook(self._audit)

    def _step(self) -> None:
        self.count += 1
        if self.count != self.at:
            return
        if self._fault == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(self._fault, os.strerror(self._fault))

    def _audit(self, event: str, given: tuple[Any, ...]) -> None:
        if event in _STEPS and (event == "subprocess.Popen" or _is_below(self._root, given)):
            self._step()

    def _counted_fsync(self, descriptor: int) -> None:
        self._step()
        self._fsync(descriptor)

    def _late_rename(self, source: str, target: str) -> None:
        self._rename(source, target)
        self.count += 1
        if self.count == self.at:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)


def _is_below(root: str, given: tuple[Any, ...]) -> bool:
    return any(isinstance(part, str) and part.startswith(root) for part in given)
