"""The stash, which all worktrees of a repository share: kept from workers, or told of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet, make_repository
from tests.integration.hooks.test_pre_tool_use import ask, wait_for_mail
from tests.support.scripted.workers import HANG
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.worktrees import stashes

STASH = {"run": "echo changed >README; git stash"}


def task(*steps: object) -> str:
    return f"```steps\n{json.dumps([*steps, {'complete': 'done'}])}\n```"


@pytest.mark.promise("guard-stash")
def test_a_worker_is_kept_from_the_stash_and_told_what_to_do_instead(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    worker = make_fleet(repository, tmux_socket).start(StartRequest("t", HANG)).worker
    other = make_repository(Path(worker.path, "other"))
    (Path(worker.path) / "sub").mkdir()

    assert "git commit" in ask(worker, "Bash", command="git stash")
    assert "git stash create" in ask(worker, "Bash", command="cd sub; git stash pop")
    assert ask(worker, "Bash", command="git stash pop", cwd=str(repository))
    assert not ask(worker, "Bash", command="git stash list")
    assert not ask(worker, "Bash", command="git stash", cwd=str(other))
    assert not ask(worker, "Bash", command="git stash", cwd=str(tmp_path))


@pytest.mark.promise("guard-stash")
@pytest.mark.parametrize("packed", [False, True])
def test_a_report_says_what_a_worker_left_in_the_stash_and_what_is_gone_from_it(
    repository: Path, tmux_socket: str, packed: bool
) -> None:
    (repository / "README").write_text("the person's\n", "utf-8")
    git(repository, "stash", "push", "-q", "-m", "mine")
    fleet = make_fleet(repository, tmux_socket, guard="tell")
    if packed:
        git(repository, "pack-refs", "--all")

    fleet.start(StartRequest("t", task({"run": "git stash pop"}, {"run": "git stash"})))

    body = wait_for_mail(fleet)
    (worker,) = fleet.workers()
    assert f"LEFT in the stash, which any worktree may take from: WIP on {worker.branch}: " in body
    assert "Gone from the stash since it started, taken by it or by others: On main: mine." in body


def test_who_leaves_the_stash_alone_reads_nothing_of_it(repository: Path, tmux_socket: str) -> None:
    (repository / "README").write_text("the person's\n", "utf-8")
    git(repository, "stash", "push", "-q", "-m", "mine")
    fleet = make_fleet(repository, tmux_socket)

    fleet.start(StartRequest("t", task(STASH)))  # which the guard refuses

    assert "stash" not in wait_for_mail(fleet)
    assert git(repository, "stash", "list").count("\n") == 0


def test_entries_are_read_whatever_they_are_called(repository: Path) -> None:
    common = str(repository / ".git")
    assert stashes.entries(common) == {}
    for message in ("caf\u00e9", "a: b", "On x: y"):
        (repository / "README").write_text(message, "utf-8")
        git(repository, "stash", "push", "-q", "-m", message)

    found = stashes.entries(common)

    assert list(found.values()) == ["On main: caf\u00e9", "On main: a: b", "On main: On x: y"]
    assert list(found) == git(repository, "rev-list", "-g", "refs/stash").split()[::-1]
    assert all(stashes.made_on(one, "main") for one in found.values())
    assert not any(stashes.made_on(one, "x") for one in found.values())
