"""Changing refs in two steps: locked first, so that nothing can refuse any more; then changed."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from worker_manager.errors import WorktreeRefused
from worker_manager.processes.child import Child
from worker_manager.worktrees.git import conversation, last_line

#: A hook of the person's may have a word in it.
SECONDS = 300
_PORTION_BYTES = 65_536


class Change(NamedTuple):
    """A ref by its whole name, where it is to go, and where it must stand before; wherever it is
    when that is empty.
    """

    ref: str
    new: str
    old: str


@contextmanager
def locked(directory: str, why: str, changes: Sequence[Change]) -> Iterator[Callable[[], None]]:
    """The refs stand where they must, git has locked them (and the HEAD of this checkout, when it
    names one of them), and hooks agree. What the block is given changes them, all or none; else
    they stay, also when we are killed. `why` is for the reflogs. Raises WorktreeRefused.
    """
    with conversation(directory, "update-ref", "-m", why, "--stdin") as git:
        asked = [f"update {change.ref} {change.new} {change.old}".rstrip() for change in changes]
        _say(git, ["start", *asked, "prepare"], "prepare: ok")
        yield lambda: _say(git, ["commit"], "commit: ok")


def _say(git: Child[bytes], lines: Sequence[str], awaited: str) -> None:
    assert git.stdin is not None  # noqa: S101  it is a pipe
    with suppress(BrokenPipeError):  # then it says why
        git.stdin.write(b"".join(os.fsencode(line) + b"\n" for line in lines))
        git.stdin.flush()
    said, complaint = _heard(git, os.fsencode(awaited))
    if said:
        return
    shown = os.fsdecode(complaint).strip()
    raise WorktreeRefused(f"git update-ref failed: {last_line(shown)}", shown)


def _heard(git: Child[bytes], awaited: bytes) -> tuple[bool, bytes]:
    """Whether it said that, and its complaints meanwhile."""
    assert git.stdout is not None  # noqa: S101  it is a pipe
    assert git.stderr is not None  # noqa: S101  it is a pipe
    heard = {git.stdout.fileno(): b"", git.stderr.fileno(): b""}
    answer, complaint = heard
    deadline = time.monotonic() + SECONDS
    open_ones = [answer, complaint]
    while answer in open_ones and awaited not in heard[answer].splitlines():
        for descriptor in _ready(open_ones, deadline):
            portion = os.read(descriptor, _PORTION_BYTES)
            heard[descriptor] += portion
            if not portion:
                open_ones.remove(descriptor)
    # What it complains of it has written before it ended; a hook may leave somebody who holds it.
    while complaint in open_ones and answer not in open_ones and _is_ready(complaint):
        portion = os.read(complaint, _PORTION_BYTES)
        heard[complaint] += portion
        if not portion:
            break
    return awaited in heard[answer].splitlines(), heard[complaint]


def _ready(descriptors: Sequence[int], deadline: float) -> list[int]:
    found = select.select(descriptors, [], [], max(deadline - time.monotonic(), 0))[0]
    if not found:
        raise WorktreeRefused(
            f"git update-ref did not end within {SECONDS:g} s, and was ended: a hook "
            "(reference-transaction) or the disk keeps it."
        )
    return found


def _is_ready(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0.2)[0])
