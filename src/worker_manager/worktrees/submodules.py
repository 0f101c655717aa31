"""Fills a worktree's submodules from what the main checkout has of them: no network."""

from __future__ import annotations

import os
from collections.abc import Iterator

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.git import attempt, run


def populate(directory: str, source: str) -> list[str]:
    """Fills the submodules of a worktree and those within them. `source` is the git directory
    that holds `modules/`. Gives what could not be filled, and why.
    """
    missing = []
    for name, path in _modules(directory):
        module = os.path.join(source, "modules", *name.split("/"))
        reason = _populate_one(directory, name, path, module)
        if reason:
            missing.append(f"{path} ({reason})")
        else:
            inner = populate(os.path.join(directory, path), module)
            missing += [f"{path}/{one}" for one in inner]
    return missing


def _modules(directory: str) -> Iterator[tuple[str, str]]:
    """Name and path of each."""
    if not os.path.isfile(os.path.join(directory, ".gitmodules")):
        return
    asked = ("config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    for entry in filter(None, attempt(directory, *asked).split("\0")):
        key, _, path = entry.partition("\n")
        name = key.removeprefix("submodule.").removesuffix(".path")
        if ".." not in (*name.split("/"), *path.split("/")):  # git refuses these, too
            yield name, path


def _populate_one(directory: str, name: str, path: str, module: str) -> str:
    """Why it could not be; empty when it was."""
    commit = attempt(directory, "rev-parse", "--verify", "--quiet", f":{path}")
    if not commit or not os.path.isdir(module):
        return "not initialised in the main checkout"
    if not attempt(directory, f"--git-dir={module}", "rev-parse", "--quiet", f"{commit}^{{tree}}"):
        return f"the main checkout does not have its commit {commit[:12]}"
    url = attempt(directory, "config", f"submodule.{name}.url")
    try:
        run(
            directory,
            *("-c", f"submodule.{name}.url={module}", "-c", "protocol.file.allow=always"),
            *("submodule", "--quiet", "update", "--", path),
            environment={"GIT_LFS_SKIP_SMUDGE": "1"},
        )
        if url:
            run(os.path.join(directory, path), "remote", "set-url", "origin", url)
    except WorktreeRefused as error:
        return str(error)
    return ""
