"""Random work in a worktree, and whether any of it can still be found."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from tests.conftest import git

NAMES = ("README", "b c", "dir/ünï", "new\nline", "-x", "dir/:(top)", "crlf.txt", "dir")
KINDS = ("text", "binary", "crlf", "mode", "link", "delete", "rename", "stage")
MOVES = ("commit", "commit", "amend", "reset", "detach", "return", "inner")

steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(KINDS), st.sampled_from(NAMES)),
        st.tuples(st.sampled_from(MOVES), st.just("")),
    ),
    min_size=3,
    max_size=12,
)
_unique = count()


class History:
    """What was done in a worktree; `contents` are those that may not be lost."""

    def __init__(self, tree: Path, branch: str) -> None:
        self.tree = tree
        self.branch = branch
        self.contents: set[str] = set()
        self.has_repository_within = False

    def play(self, given: list[tuple[str, str]]) -> None:
        """Does it; a step that is not possible here is passed over."""
        for kind, name in given:
            try:
                self._step(kind, name)
            except (OSError, subprocess.CalledProcessError):
                continue
        self.contents |= set(files(self.tree).values())
        staged = git(self.tree, "ls-files", "--stage", "-z").split("\0")
        self.contents |= {one.split(" ")[1] for one in staged if one and not one.startswith("16")}

    def _step(self, kind: str, name: str) -> None:
        word = f"{next(_unique)}"
        contents = {
            "text": f"line\nmiddle {word}\nend\n".encode(),
            "binary": b"\0\xff" + word.encode(),
            "crlf": f"a\r\n{word}\n".encode(),
        }
        if kind in contents:
            _write(self.tree / name, contents[kind])
        elif name:
            self._file_step(kind, self.tree / name, word)
        elif kind == "inner":
            (self.tree / "inner").mkdir()
            git(self.tree / "inner", "init", "-q")
            self.has_repository_within = True
        else:
            self._git_step(kind)

    def _file_step(self, kind: str, path: Path, word: str) -> None:
        match kind:
            case "mode":
                path.chmod(0o755)
            case "link":
                path.unlink(missing_ok=True)
                path.symlink_to(f"/nowhere/{word}")
            case "delete":
                path.unlink()
            case "rename":
                path.rename(self.tree / f"renamed {word}")
            case "stage":
                self._add()

    def _git_step(self, kind: str) -> None:
        if kind in ("commit", "amend"):
            self._add()
            self.contents |= set(files(self.tree).values())
            more = ["--amend"] if kind == "amend" else []
            git(self.tree, "commit", "-q", "--allow-empty", "-m", "work", *more)
        elif kind == "reset":
            git(self.tree, "reset", "-q", "--hard", "HEAD~1")
        elif kind == "detach":
            git(self.tree, "checkout", "-q", "--detach")
        elif kind == "return":
            git(self.tree, "checkout", "-q", self.branch)

    def _add(self) -> None:
        git(self.tree, "add", "--all", "--", ":/", ":(top,exclude)inner")

    def lost(self, repository: Path) -> set[str]:
        """Contents that neither git nor the disk has any more."""
        named = git(repository, "rev-list", "--objects", "--all", "--reflog", "--indexed-objects")
        found = {line.split(" ")[0] for line in named.split("\n")}
        for place in repository.joinpath(".worktrees").iterdir():
            found |= set(files(place).values())
        return self.contents - found


class Look(NamedTuple):
    """A person's checkout: files, and where its branch stands."""

    files: dict[str, str]
    tip: str


def look(repository: Path) -> Look:
    """As it is now."""
    own = {name: sha for name, sha in files(repository).items() if not name.startswith(".work")}
    return Look(own, git(repository, "rev-parse", "main"))


def files(tree: Path) -> dict[str, str]:
    """Each file's name and kind, and the id that git gives to such content."""
    return {f"{os.path.relpath(path, tree)} {kind}": _id(data) for path, kind, data in _read(tree)}


def _read(tree: Path) -> Iterator[tuple[str, str, bytes]]:
    for folder, folders, names in os.walk(tree):
        folders[:] = [one for one in folders if one not in (".git", "inner")]
        for name in [*names, *folders]:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                yield path, "link", os.fsencode(os.readlink(path))
            elif os.path.isfile(path) and name != ".git":
                kind = "program" if os.access(path, os.X_OK) and _mode(path) & 0o100 else "file"
                yield path, kind, Path(path).read_bytes()


def _mode(path: str) -> int:
    return os.stat(path).st_mode


def _id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    if path.is_symlink():
        path.unlink()
    path.write_bytes(data)
