"""Which committed settings hold for whoever stands in a worker's worktree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import git, make_repository
from tests.support.scripted.bench import add_worker
from worker_manager import config
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.repository import Repository
from worker_manager.state.layout import state_root
from worker_manager.worktrees.marks import settings_directory

RUNS = '[notify]\ncommand = "touch ran"\n[worktree]\nsetup = "touch ran"\n'


@pytest.mark.promise("settings-of-checkout")
def test_a_worker_writes_no_commands_for_whoever_stands_in_its_worktree(
    fleet: Fleet, repository: Path
) -> None:
    (repository / config.FILE).write_text('model = "ours"\n', "utf-8")
    worktree = Path(add_worker(fleet, repository, {config.FILE: RUNS}).path)

    settings = Repository(state_root(), str(worktree), os.environ).settings

    assert (settings.model, settings.notify_command, settings.worktree_setup) == ("ours", "", "")


def test_the_same_place_in_the_checkout_counts(fleet: Fleet, repository: Path) -> None:
    worktree = Path(add_worker(fleet, repository, {"sub/new.txt": "new\n"}).path)
    made = make_repository(worktree / "sub" / "made")  # by the worker, to have its own settings
    add_worker(fleet, made)

    assert settings_directory(str(worktree)) == str(repository)
    assert settings_directory(str(worktree / "sub")) == str(repository / "sub")
    assert settings_directory(str(made)) == str(repository / "sub" / "made")


def test_elsewhere_the_directory_itself_counts(repository: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    git(repository, "worktree", "add", "-q", str(own))

    for directory in (repository, own, tmp_path):
        assert settings_directory(str(directory)) == str(directory)


def test_a_worktree_of_a_bare_repository_belongs_to_the_one_around_it(
    fleet: Fleet, repository: Path, tmp_path: Path
) -> None:
    git(repository, "clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    own = tmp_path / "own"
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(own), "main")
    worker = add_worker(fleet, own)

    assert settings_directory(worker.path) == str(own)
