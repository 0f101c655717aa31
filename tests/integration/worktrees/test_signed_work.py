"""Work in repositories whose commits are signed, and whose owner looks at signatures."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import git
from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees import removal, trees
from worker_manager.worktrees.bases import inspect_checkout
from worker_manager.worktrees.overview import overview


@pytest.fixture
def tree(repository: Path, tmp_path: Path) -> Path:
    """A worktree of a repository in which each commit is signed, and each look at one says so."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signers = tmp_path / "signers"
    signers.write_text(f"test@example.invalid {key.with_suffix('.pub').read_text()}", "utf-8")
    for name, value in (
        ("gpg.format", "ssh"),
        ("user.signingKey", str(key)),
        ("gpg.ssh.allowedSignersFile", str(signers)),
        ("commit.gpgsign", "true"),
        ("log.showSignature", "true"),
    ):
        git(repository, "config", name, value)
    tree, head = repository / ".worktrees" / "w", git(repository, "rev-parse", "HEAD")
    trees.create(inspect_checkout(str(repository)), tree, "worker/w", head)
    return tree


def lost_commit(tree: Path) -> str:
    (tree / "lost.txt").write_text("lost\n", "utf-8")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "lost")
    sha = git(tree, "rev-parse", "HEAD")
    git(tree, "reset", "-q", "--hard", "HEAD~1")
    return sha


def kept(repository: Path, tree: Path) -> str:
    """All that the commit which saves it names."""
    found = removal.find(overview(str(repository)), str(tree), "worker/w")
    saved = removal.keep_all(found, "refs/worker-manager/x/1", "saved")
    return git(repository, "rev-list", saved.sha)


@pytest.mark.promise("clean-back")
def test_commits_that_only_a_reflog_names_are_kept_where_signatures_are_shown(
    repository: Path, tree: Path
) -> None:
    sha = lost_commit(tree)

    assert sha in kept(repository, tree)


@pytest.mark.promise("clean-back")
@pytest.mark.parametrize("how", ["its branch is deleted", "its own ref is gone"])
def test_so_they_are_where_head_leads_nowhere(repository: Path, tree: Path, how: str) -> None:
    sha = lost_commit(tree)
    if how == "its branch is deleted":
        git(repository, "update-ref", "-d", "refs/heads/worker/w")
        (tree / "more").touch()
    else:
        git(tree, "symbolic-ref", "HEAD", "refs/heads/none")

    assert sha in kept(repository, tree)


def test_a_question_that_fails_is_no_answer(
    repository: Path, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost_commit(tree)
    shim = tmp_path / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(
        '#!/bin/sh\ncase "$*" in *rev-list*--stdin*) echo "fatal: no" >&2; exit 128 ;; esac\n'
        f'exec {shutil.which("git")} "$@"\n',
        "utf-8",
    )
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent), prepend=":")

    with pytest.raises(WorktreeRefused, match="rev-list failed: fatal: no"):
        kept(repository, tree)
