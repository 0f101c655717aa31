"""What a worker may have changed of a program's settings in its worktree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.scripted.bench import commit
from worker_manager.worktrees import alterations


@pytest.fixture
def worktree(repository: Path, tmp_path: Path) -> Path:
    """Of a repository that has such settings."""
    commit(repository, {".codex/config.toml": "model = 1\n"})
    git(repository, "worktree", "add", "-q", str(tmp_path / "worktree"), "-b", "w1")
    return tmp_path / "worktree"


def is_altered(worktree: Path, repository: Path) -> bool:
    base = git(repository, "rev-parse", "w1@{1}" if _has_committed(worktree) else "w1")
    return alterations.are_in(str(worktree), ".codex", str(repository), base)


def _has_committed(worktree: Path) -> bool:
    return len(git(worktree, "reflog", "w1").splitlines()) > 1


def test_what_came_with_the_worktree_or_stands_in_the_checkout_is_the_persons(
    worktree: Path, repository: Path
) -> None:
    assert not is_altered(worktree, repository)
    (repository / ".codex" / "config.toml").write_text("model = 2\n", "utf-8")  # since then
    (repository / ".codex" / "mine").write_text("copied", "utf-8")
    (worktree / ".codex" / "mine").write_text("copied", "utf-8")
    assert not is_altered(worktree, repository)


def test_what_a_worker_has_written_is_not(worktree: Path, repository: Path) -> None:
    settings = worktree / ".codex" / "config.toml"
    settings.write_text("model = 3\n", "utf-8")
    git(worktree, "update-index", "--assume-unchanged", ".codex/config.toml")
    assert is_altered(worktree, repository)
    git(worktree, "update-index", "--no-assume-unchanged", ".codex/config.toml")
    git(worktree, "commit", "-qam", "work")
    assert is_altered(worktree, repository)


def test_nor_is_a_new_file_or_a_link(worktree: Path, repository: Path) -> None:
    (worktree / ".codex" / "hooks.json").symlink_to("config.toml")
    assert is_altered(worktree, repository)
    (worktree / ".codex" / "hooks.json").unlink()
    (worktree / ".codex" / "hooks.json").write_text("{}", "utf-8")
    assert is_altered(worktree, repository)
