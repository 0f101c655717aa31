"""What a start costs."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.scripted.workers import HANG
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest


def test_a_start_asks_git_eight_times_and_tmux_once(
    fleet: Fleet, calls: Callable[[str], list[str]]
) -> None:
    fleet.start(StartRequest("t", HANG))

    asked = calls("git")
    assert len(asked) == 8, asked
    assert len(calls("tmux")) == 1
    fleet.start(StartRequest("t", HANG, use_worktree=False))
    assert (calls("git"), len(calls("tmux"))) == ([], 1)
