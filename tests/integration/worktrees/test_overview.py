"""What git has of many workers, asked at once, is what it says of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.scripted.bench import add_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.worktrees import overview, ref_update, trees


@pytest.mark.parametrize("relative", [False, True])
def test_one_look_says_of_each_worker_what_a_look_at_it_says(
    fleet: Fleet, repository: Path, calls: Callable[[str], list[str]], relative: bool
) -> None:
    workers = [add_worker(fleet, repository, {f"f{one}": "x"}) for one in range(6)]
    git(repository, "merge", "-q", "--no-ff", "-m", "m", workers[0].branch, workers[1].branch)
    for one in workers[2:4]:
        shutil.rmtree(one.path)
    git(repository, "branch", "-m", workers[4].branch, "another")
    if relative:
        admin = Path(trees.admin_directory(str(repository), workers[5].path))
        name = Path(workers[5].path).name
        (admin / "gitdir").write_text(f"../../../.worktrees/{name}/.git\n", "utf-8")
    main = git(repository, "rev-parse", "main")
    calls("git")

    seen = overview.overview(str(repository))
    merged = overview.contained_in(str(repository), main)

    assert len(calls("git")) == 4
    assert list(seen.places) == trees.listed(str(repository))
    for one in workers:
        assert seen.admin(one.path) == trees.admin_directory(str(repository), one.path) != ""
        tip = trees.tips(str(repository), [one.branch]).get(one.branch)
        assert seen.tips.get(one.branch) == tip
        is_merged = bool(tip) and ref_update.contains(str(repository), main, str(tip))
        assert (one.branch in merged) is is_merged
    assert seen.admin(str(repository / "elsewhere")) == ""
