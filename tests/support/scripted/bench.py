"""Workers without a session: a record, a home, and a real worktree and branch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import git
from tests.support.scripted.workers import recorded_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.domain import identifiers
from worker_manager.domain.worker import Status, Worker
from worker_manager.state import process_identity
from worker_manager.state.workers.records import now
from worker_manager.worktrees import marks, own, trees
from worker_manager.worktrees.bases import inspect_checkout
from worker_manager.worktrees.own import Worktree


def add_worker(
    fleet: Fleet,
    repository: Path,
    files: Mapping[str, str] | None = None,
    *,
    title: str = "t",
    status: Status = Status.COMPLETED,
    base: str = "main",
) -> Worker:
    """A worker on a branch of its own, on which it has committed these files."""
    worker_id = identifiers.new_worker_id()
    name = identifiers.worker_name(title, worker_id)
    base_sha = git(repository, "rev-parse", base)
    branch = identifiers.branch_name(name)
    ground = inspect_checkout(str(repository))
    path = ground.main / ".worktrees" / name
    trees.create(ground, path, branch, base_sha)
    worker = recorded_worker(
        fleet,
        repository,
        id=worker_id,
        name=name,
        title=title,
        changed_at=now(),
        path=str(path),
        starter="",
        process=process_identity.identity(os.getpid()),
        launched=True,
        status=status,
        branch=branch,
        base_branch=base,
        base_sha=base_sha,
    )
    if files:
        commit(path, files)
    return worker


def worktree_at(path: Path | str) -> Worktree:
    """The worktree of whatever worker has it there."""
    admin = marks.pointed_at(str(path))
    return own.look(str(path), Path(admin, marks.MARKER).read_text("utf-8"))


def commit(directory: Path | str, files: Mapping[str, str], message: str = "work") -> str:
    """A commit of these files; gives its sha."""
    for name, text in files.items():
        file = Path(directory, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    git(Path(directory), "add", "--all")
    git(Path(directory), "commit", "-q", "-m", message)
    return git(Path(directory), "rev-parse", "HEAD")


def set_status(fleet: Fleet, worker: Worker, status: Status) -> None:
    """Whatever it was."""
    fleet.records.update(worker.id, lambda one: one._replace(status=status))


def state(repository: Path) -> tuple[str, str, str]:
    """All that a merge which is refused may not change."""
    refs = git(repository, "for-each-ref", "--format=%(refname) %(objectname)")
    return refs, git(repository, "status", "--porcelain"), git(repository, "rev-parse", "HEAD")


def write_hook(repository: Path, name: str, script: str) -> None:
    """A hook that is this shell script."""
    hook = repository / ".git" / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    hook.chmod(0o755)
