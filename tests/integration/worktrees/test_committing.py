"""Where git writes for a commit in a linked worktree."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import git
from worker_manager.worktrees.committing import directories


def test_a_linked_worktree_has_its_own_directory_and_what_all_share(
    repository: Path, tmp_path: Path
) -> None:
    worktree = tmp_path / "worktree"
    git(repository, "worktree", "add", "-q", str(worktree), "-b", "w1")
    own = git(worktree, "rev-parse", "--absolute-git-dir")

    found = directories(str(worktree))

    shared = [str(repository / ".git" / name) for name in ("objects", "refs", "logs")]
    assert found == (own, *shared)
    # Neither hooks nor settings, which would be run outside.
    assert not any(Path(one, "hooks").exists() or Path(one, "config").exists() for one in found)


def test_elsewhere_there_is_none(repository: Path, tmp_path: Path) -> None:
    assert directories(str(repository)) == ()
    assert directories(str(tmp_path / "nothing")) == ()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / ".git").write_text("gitdir: /gone\n", "utf-8")
    assert directories(str(tmp_path / "broken")) == ()


def test_what_a_worker_can_write_names_no_directory(repository: Path, tmp_path: Path) -> None:
    worktree = tmp_path / "worktree"
    git(repository, "worktree", "add", "-q", str(worktree), "-b", "w1")
    own = Path(git(worktree, "rev-parse", "--absolute-git-dir"))
    (tmp_path / "theirs" / "objects").mkdir(parents=True)
    (own / "commondir").write_text(f"{tmp_path}/theirs\n", "utf-8")

    assert directories(str(worktree)) == ()
