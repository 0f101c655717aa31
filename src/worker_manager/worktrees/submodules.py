"""Fills a worktree's submodules from what the main checkout has of them: no network."""

from __future__ import annotations

import os
from collections.abc import Iterator

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.git import ask, attempt, last_line, run


def populate(directory: str, source: str) -> list[str]:
    """Fills the submodules of a worktree, nested ones included, from the main checkout. `source` is
    the git directory that holds `modules/`. Returns the paths that could not be filled, each with
    the reason. Raises WorktreeRefused.
    """
    missing = []
    for name, path in _modules(directory):
        module = os.path.join(source, "modules", *name.split("/"))
        reason = _populate_one(directory, name, path, module)
        if reason:
            missing.append(f"{path} ({reason})")
        else:
            inner = populate(os.path.join(directory, path), module)
            missing += [f"{path}/{nested}" for nested in inner]
    return missing


def _modules(directory: str) -> Iterator[tuple[str, str]]:
    """Iterates over name and path of each submodule. Raises WorktreeRefused."""
    if not os.path.isfile(os.path.join(directory, ".gitmodules")):
        return
    asked = ("config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    said = ask(directory, *asked)
    if said.code not in (0, 1):  # 1: none
        raise WorktreeRefused(f".gitmodules can't be read: {last_line(said.error)}")
    for entry in filter(None, said.text.split("\0")):
        key, _, path = entry.partition("\n")
        name = key.removeprefix("submodule.").removesuffix(".path")
        if ".." not in (*name.split("/"), *path.split("/")):  # git refuses these, too
            yield name, path


def _populate_one(directory: str, name: str, path: str, module: str) -> str:
    """Returns why it could not be filled; empty when it was, or nothing needs to be done."""
    entry = run(directory, "ls-files", "--stage", "-z", "--", f":(literal){path}")
    commit = entry.split(" ")[1] if entry.startswith("160000 ") else ""
    place = os.path.join(directory, path)
    if not commit or os.path.lexists(os.path.join(place, ".git")):  # brought back: a worker's
        return ""
    if not os.path.isdir(module):
        return "not initialised in the main checkout"
    # Its own files may be gone; nothing is asked of them.
    asked = (f"--git-dir={module}", f"--work-tree={directory}", "cat-file", "-e")
    if ask(directory, *asked, f"{commit}^{{tree}}").code:
        return f"the main checkout does not have its commit {commit[:12]}"
    if "=" in name:
        return "its name has a = in it: git submodule update it"
    url = attempt(directory, "config", f"submodule.{name}.url")
    try:
        run(
            directory,
            *_settings(name, module),
            "submodule",
            "--quiet",
            "update",
            "--",
            path,
            environment={"GIT_LFS_SKIP_SMUDGE": "1"},
        )
        if url:
            run(place, "remote", "set-url", "origin", url)
    except WorktreeRefused as error:
        return str(error)
    return "" if os.path.lexists(os.path.join(place, ".git")) else "git did not fill it"


def _settings(name: str, module: str) -> Iterator[str]:
    """Yields options that make git fill it from the main checkout, whatever the person has
    configured.
    """
    for key, value in (
        (f"submodule.{name}.url", module),
        (f"submodule.{name}.update", "checkout"),
        (f"submodule.{name}.active", "true"),
        ("clone.defaultRemoteName", "origin"),
        ("protocol.file.allow", "always"),
    ):
        yield from ("-c", f"{key}={value}")
