"""No work is lost by a stop, a merge, a clean or a restore, whoever is killed at whatever step."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import git, make_fleet, make_repository
from tests.faults import actions
from tests.faults.injection import KILL, run
from tests.support.histories import History, files, look, steps
from tests.support.scripted.bench import add_worker, commit
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.layout import state_root

#: `python -m tests.stress faults` takes more.
EXAMPLES = int(os.environ.get("WORKER_MANAGER_TEST_EXAMPLES", "6"))
EVERY = int(os.environ.get("WORKER_MANAGER_TEST_EVERY", "6"))
STRATEGIES = ("merge", "squash", "rebase")
MANY = settings(max_examples=EXAMPLES)
#: No file lies below it: only starts of programs count as steps, and all of those are git's.
PROGRAMS_ONLY = "/nowhere-at-all"


class Bench:
    """A repository of its own, with one worker; `do` is done in a process of its own."""

    def __init__(self, folder: Path, socket: str, status: Status = Status.COMPLETED) -> None:
        self.repository = make_repository(Path(tempfile.mkdtemp(dir=folder)) / "repo")
        self.socket = socket
        self.fleet: Fleet = make_fleet(self.repository, socket, self.repository.parent.name)
        self.worker: Worker = add_worker(self.fleet, self.repository, status=status)
        self.history = History(Path(self.worker.path), self.worker.branch)

    def do(self, action: Callable[..., Any], *more: Any, at: int = 10**9, root: str = "") -> Any:
        """Gives the outcome."""
        home = self.fleet.home
        known = (state_root(), home, str(self.repository), self.socket, self.worker.id)
        return run(action, *known, *more, root=root or PROGRAMS_ONLY, fault=KILL, at=at)


@pytest.mark.promise("clean-killed", "clean-back")
@pytest.mark.timeout(600)
@MANY
@given(work=steps, at=st.integers(1, 60), first=st.sampled_from(["stop", "clean", "bring_back"]))
def test_no_work_is_lost_by_a_kill_before_any_git_call(
    tmp_path: Path, tmux_socket: str, work: list[tuple[str, str]], at: int, first: str
) -> None:
    bench = Bench(tmp_path, tmux_socket)
    bench.history.play(work)
    tree = Path(bench.worker.path)
    before, checkout = files(tree), look(bench.repository)
    if first == "bring_back":
        bench.do(actions.clean)
    bench.do(getattr(actions, first), at=at)
    assert bench.history.lost(bench.repository) == set()

    why_not = bench.do(actions.clean).result

    assert bench.history.lost(bench.repository) == set()
    if bench.history.has_repository_within:
        assert "another repository" in why_not
        assert files(tree) == before
        return
    assert why_not == ""
    assert not list(bench.repository.joinpath(".worktrees").iterdir())
    git(bench.repository, "reflog", "expire", "--expire=now", "--all")
    assert bench.history.lost(bench.repository) == set()
    assert bench.do(actions.bring_back).error == ""
    assert files(tree) == before
    assert look(bench.repository) == checkout


@pytest.mark.promise("merge-killed")
@pytest.mark.timeout(600)
@MANY
@given(
    work=steps,
    mine=steps,
    at=st.integers(1, 60),
    strategy=st.sampled_from(STRATEGIES),
)
def test_a_merge_that_is_killed_before_any_git_call_is_in_or_not(
    tmp_path: Path,
    tmux_socket: str,
    work: list[tuple[str, str]],
    mine: list[tuple[str, str]],
    at: int,
    strategy: str,
) -> None:
    bench = Bench(tmp_path, tmux_socket)
    bench.history.play([*work, ("return", ""), ("commit", "")])
    person = History(bench.repository, "main")
    person.play([one for one in mine if one[0] not in ("detach", "return", "inner", "reset")])
    commit(bench.repository, {"mine": "x"})
    wanted = own_merge(bench.repository, bench.worker.branch)
    before = look(bench.repository)

    bench.do(actions.merge, strategy, at=at)

    after = look(bench.repository)
    assert bench.history.lost(bench.repository) == set()
    assert git(bench.repository, "status", "--porcelain") == ""
    if after != before:
        assert git(bench.repository, "rev-parse", "main^{tree}") == wanted
    bench.fleet.reconcile()
    record = bench.fleet.worker(bench.worker.id).merge
    if after.tip != before.tip:
        assert record is not None
    elif record is not None:  # there was nothing to do
        assert record.sha == before.tip

    error = bench.do(actions.merge, strategy).error
    if wanted == "conflict" or "one by one" in error:
        assert "MergeRefused" in error
        assert look(bench.repository) == before
    else:
        has_none = "nothing to merge" in error or "its worktree stands at" in error
        assert error == "" or (wanted == "nothing" and has_none)
        if wanted != "nothing":
            assert git(bench.repository, "rev-parse", "main^{tree}") == wanted
    assert git(bench.repository, "status", "--porcelain") == ""


def own_merge(repository: Path, branch: str) -> str:
    """What `git merge` itself comes to: a tree, `conflict`, or `nothing`."""
    if git(repository, "rev-list", "--count", f"main..{branch}") == "0":
        return "nothing"
    with tempfile.TemporaryDirectory() as folder:
        git(repository, "clone", "-q", "--shared", ".", f"{folder}/twin")
        twin = Path(folder, "twin")
        merge = ("git", "merge", "-q", "--no-ff", "-m", "x", f"origin/{branch}")
        done = subprocess.run(merge, cwd=twin, capture_output=True, check=False)
        return git(twin, "rev-parse", "HEAD^{tree}") if done.returncode == 0 else "conflict"


@pytest.mark.promise("clean-killed", "merge-killed")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("action", ["merge", "clean", "bring_back"])
def test_a_kill_at_any_step_of_ours_is_repaired_by_doing_it_again(
    tmp_path: Path, tmux_socket: str, action: str
) -> None:
    work = [("text", "README"), ("commit", ""), ("binary", "b c"), ("link", "dir/ünï")]
    more = ["squash"] if action == "merge" else []
    for at in range(1, 1_000, EVERY * 5):
        bench = Bench(tmp_path, tmux_socket)
        bench.history.play(work)
        before = files(Path(bench.worker.path))
        if action == "bring_back":
            bench.do(actions.clean)

        outcome = bench.do(getattr(actions, action), *more, at=at, root=state_root())
        assert bench.history.lost(bench.repository) == set()
        assert bench.do(getattr(actions, action), *more).error == ""

        assert bench.history.lost(bench.repository) == set()
        assert (files(Path(bench.worker.path)) == before) is (action != "clean")
        record = bench.fleet.worker(bench.worker.id)
        assert bool(record.cleaned) is (action == "clean")
        assert bool(record.merge and record.merge.done) is (action == "merge")
        if not outcome.killed:
            break
    else:
        pytest.fail("it has more steps than that")
