"""Copies and submodules where git is set, or answers, otherwise than usual."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet, make_repository
from tests.support.scripted.workers import HANG
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees import copies, submodules, trees
from worker_manager.worktrees.bases import inspect_checkout

LOCAL = ("-c", "protocol.file.allow=always", "submodule", "--quiet")


@pytest.fixture
def tree(repository: Path, tmp_path: Path) -> Path:
    """A worktree of a repository with a submodule `sub`, whose origin is gone."""
    origin = make_repository(tmp_path / "origin")
    git(repository, *LOCAL, "add", str(origin), "sub")
    git(repository, "commit", "-q", "-m", "sub")
    shutil.rmtree(origin)
    return make(repository)


def make(repository: Path) -> Path:
    tree, head = repository / ".worktrees" / "w", git(repository, "rev-parse", "HEAD")
    trees.create(inspect_checkout(str(repository)), tree, "worker/w", head)
    return tree


def refuse(monkeypatch: pytest.MonkeyPatch, folder: Path, command: str) -> None:
    """A git that fails at a command, as one does whose disk or memory does."""
    shim = folder / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\ncase "$*" in *{command}*) echo "fatal: no" >&2; exit 128 ;; esac\n'
        f'exec {shutil.which("git")} "$@"\n',
        "utf-8",
    )
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent), prepend=":")


@pytest.mark.promise("environment-offline")
@pytest.mark.parametrize(
    "setting",
    [
        ("submodule.sub.update", "none"),
        ("submodule.sub.update", "merge"),
        ("submodule.sub.active", "false"),
        ("submodule.active", "other"),
        ("clone.defaultRemoteName", "upstream"),
        ("submodule.recurse", "true"),
        ("submodule.sub.ignore", "all"),
        ("protocol.file.allow", "never"),
    ],
)
def test_a_submodule_is_filled_whatever_the_person_has_set_for_it(
    repository: Path, tree: Path, setting: tuple[str, str]
) -> None:
    git(repository, "config", *setting)

    assert submodules.populate(str(tree), str(repository / ".git")) == []

    assert (tree / "sub" / "README").read_text("utf-8") == "hello\n"
    assert git(tree / "sub", "remote", "get-url", "origin").endswith("/origin")
    assert git(tree, "status", "--porcelain") == ""


def test_a_submodule_in_which_somebody_works_is_left_as_it_is(repository: Path, tree: Path) -> None:
    common = str(repository / ".git")
    submodules.populate(str(tree), common)
    git(tree / "sub", "commit", "-q", "--allow-empty", "-m", "work")
    (tree / "sub" / "README").write_text("work\n", "utf-8")
    head = git(tree / "sub", "rev-parse", "HEAD")

    assert submodules.populate(str(tree), common) == []

    assert git(tree / "sub", "rev-parse", "HEAD") == head
    assert (tree / "sub" / "README").read_text("utf-8") == "work\n"


def test_a_module_whose_own_files_are_gone_fills_a_worktree_all_the_same(
    repository: Path, tree: Path
) -> None:
    shutil.rmtree(repository / "sub")

    assert submodules.populate(str(tree), str(repository / ".git")) == []

    assert (tree / "sub" / "README").exists()


def test_an_entry_that_the_commit_does_not_have_is_no_empty_submodule(
    repository: Path, tree: Path
) -> None:
    git(tree, "config", "--file", ".gitmodules", "submodule.gone.path", "gone")
    git(tree, "config", "--file", ".gitmodules", "submodule.file.path", "README")

    assert submodules.populate(str(tree), str(repository / ".git")) == []


def test_a_list_of_submodules_that_can_not_be_read_is_not_an_empty_one(
    repository: Path, tree: Path
) -> None:
    (tree / ".gitmodules").write_text("[submodule\n", "utf-8")

    with pytest.raises(WorktreeRefused, match=r"\.gitmodules can't be read: .*bad config line 1"):
        submodules.populate(str(tree), str(repository / ".git"))


@pytest.mark.promise("environment-files")
def test_a_question_that_fails_is_not_nothing_to_copy(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = make(repository)
    (repository / ".git" / "info" / "exclude").write_text(".env\n", "utf-8")
    (repository / ".env").write_text("SECRET", "utf-8")
    refuse(monkeypatch, tmp_path, "check-ignore")

    with pytest.raises(WorktreeRefused, match="check-ignore failed: fatal: no"):
        copies.copy(repository, tree, [".env"])


@pytest.mark.promise("environment-files")
def test_half_a_file_is_not_left(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = make(repository)
    (repository / ".git" / "info" / "exclude").write_text(".env\n", "utf-8")
    (repository / ".env").write_text("SECRET", "utf-8")

    def full(source: object, target: object, **_: object) -> None:
        Path(str(target)).write_text("SEC", "utf-8")
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(shutil, "copy2", full)
    copied = copies.copy(repository, tree, [".env"])

    assert copied.skipped == [f".env ({os.strerror(28)})"]
    assert not (tree / ".env").exists()


@pytest.mark.promise("environment-files")
def test_names_of_any_bytes_are_copied_and_told(repository: Path, tmux_socket: str) -> None:
    name = os.fsdecode(b".env.caf\xe9\n")
    (repository / ".git" / "info" / "exclude").write_text(".env*\n", "utf-8")
    (repository / name).write_text("SECRET", "utf-8")

    started = make_fleet(repository, tmux_socket, worktree_copy=(".env*",)).start(
        StartRequest("t", HANG)
    )

    assert Path(started.worker.path, name).read_text("utf-8") == "SECRET"
    (note,) = started.notes
    assert note.startswith("Copied from your checkout: .env.caf")
