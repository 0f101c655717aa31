"""A person's repository, and all that lies around it, before worker-manager comes."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Lines enough for two changes that are not in conflict.
LINES = "".join(f"line {number}\n" for number in range(1, 21))


#: The test looks into repositories that are another user's, too.
_TRUSTING = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}


class GitFailed(AssertionError):
    """git said no to the person, the worker or the test."""


def git(directory: Path, *arguments: str, ok: Sequence[int] = (0,)) -> str:
    """What git says, with whatever bytes, without its last newline."""
    return os.fsdecode(git_bytes(directory, *arguments, ok=ok)).removesuffix("\n")


def git_bytes(directory: Path, *arguments: str, ok: Sequence[int] = (0,)) -> bytes:
    """All that git says; names and contents need not be UTF-8."""
    done = subprocess.run(
        ["git", *arguments], cwd=directory, capture_output=True, env={**os.environ, **_TRUSTING}
    )
    if done.returncode not in ok:
        said = os.fsdecode(done.stderr or done.stdout)
        raise GitFailed(f"git {' '.join(arguments)} in {directory}: {said}")
    return done.stdout


def same_bytes(data: bytes) -> list[bytes]:
    """What a blob may hold in the place of a file: git itself takes a CR from the ends of lines."""
    return [data, data.replace(b"\r\n", b"\n")]


@dataclass
class Place:
    """`folder` holds all of it. The session stands in `project`; `repository` is the checkout
    whose branch is merged into. `checkouts` are all that have an index, `gits` all git directories.
    """

    folder: Path
    project: Path
    repository: Path
    branch: str = "main"
    checkouts: list[Path] = field(default_factory=list)
    gits: list[Path] = field(default_factory=list)
    #: What blobs may stand for a file with these bytes.
    blobs: Callable[[bytes], list[bytes]] = same_bytes
    #: How git names objects; and its directory of all worktrees, once that will not move any more.
    hashed: str = "sha1"
    settled: Path | None = None
    #: Those of `checkouts` that are of this repository.
    own: list[Path] = field(default_factory=list)

    def settle(self) -> None:
        """The ground is made."""
        self.checkouts = [Path(os.path.realpath(one)) for one in self.checkouts]
        self.settled = self.common
        asked = ("rev-parse", "--path-format=absolute", "--git-common-dir")
        is_there = [one for one in self.checkouts if one.is_dir()]
        self.own = [one for one in is_there if Path(git(one, *asked)) == self.settled]
        self.hashed = git(self.repository, "rev-parse", "--show-object-format")

    @property
    def common(self) -> Path:
        """git's directory of all worktrees."""
        if self.settled is not None:
            return self.settled
        asked = ("rev-parse", "--path-format=absolute", "--git-common-dir")
        return Path(git(self.repository, *asked))

    def write(self, name: str | bytes, data: str | bytes) -> Path:
        """A file of the person's checkout."""
        return write(self.repository, name, data)

    def commit(self, *names: str, message: str = "the person's") -> str:
        """As the person does, of these files or of all that git knows or doesn't ignore."""
        git(self.repository, "add", "--", *(names or (".",)))
        git(self.repository, "commit", "-q", "--no-verify", "-m", message)
        return git(self.repository, "rev-parse", "HEAD")

    def set(self, key: str, value: str) -> None:
        """A setting of the repository."""
        git(self.repository, "config", key, value)

    def hook(self, name: str, text: str) -> Path:
        """A program in the hooks directory."""
        path = Path(
            git(self.repository, "rev-parse", "--path-format=absolute", "--git-path", "hooks")
        )
        return program(path / name, text)

    def files(self) -> Iterator[Path]:
        """All that lies in it, but for git's and our own directories; links are not followed."""
        inside = {os.path.realpath(one) for one in self.gits}
        for folder, folders, names in os.walk(self.folder):
            skipped = [
                one
                for one in folders
                if one == ".git" or os.path.realpath(os.path.join(folder, one)) in inside
            ]
            folders[:] = [one for one in folders if one not in skipped]
            yield from (Path(folder, one) for one in [*names, *folders, *skipped])

    def blob(self, data: bytes) -> str:
        """The id that git gives to such content here."""
        head = b"blob %d\0" % len(data)
        return hashlib.new(self.hashed, head + data, usedforsecurity=False).hexdigest()


def write(directory: Path, name: str | bytes, data: str | bytes) -> Path:
    """A file, in directories that are made when needed."""
    path = Path(os.fsdecode(os.path.join(os.fsencode(directory), os.fsencode(name))))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def program(path: Path, text: str) -> Path:
    """A shell script that can be run."""
    write(path.parent, path.name, f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def plain(folder: Path) -> Place:
    """Some commits, a tag, another branch, a stash, and files that are untracked or ignored."""
    repository = folder / "ground" / "repo"
    repository.mkdir(parents=True)
    git(repository, "init", "-q", "-b", "main")
    furnish(repository)
    place = Place(folder / "ground", repository, repository, checkouts=[repository])
    place.gits = [repository / ".git"]
    return place


def furnish(repository: Path) -> None:
    """What `plain` makes, in a repository without commits."""
    write(repository, "README", "hello\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "first")
    git(repository, "tag", "v1")
    git(repository, "branch", "other")
    write(repository, "file.txt", LINES)
    write(repository, "deep/er/inner.txt", "inner\n")
    write(repository, "run.sh", "#!/bin/sh\n").chmod(0o755)
    write(repository, ".gitignore", "*.log\nignored/\nnode_modules/\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "second")
    write(repository, "README", "hello\nstashed by the person\n")
    git(repository, "stash", "-q")
    write(repository, "mine.txt", "the person's, untracked\n")
    write(repository, "debug.log", "the person's, ignored\n")
