"""All that is a person's, at one moment: what a look at it sees, and how two looks differ."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.foreign.place import Place, git, git_bytes
from worker_manager.domain.worker import Merge

#: What is ours, and may come and go; a branch begins otherwise where one is called `worker`.
OURS = ("refs/heads/worker/", "refs/heads/worker-", "refs/worker-manager/")
#: Of git's directories: what a person, not git, has put there.
_KEPT = ("config", "config.worktree", "hooks", "info", "modules")
#: What git itself writes at each move of a branch, and holds no work.
_VOLATILE = {
    "ORIG_HEAD",
    "FETCH_HEAD",
    "index",
    "COMMIT_EDITMSG",
    "packed-refs",
    "gc.log",
    "gc.pid",
}
_VOLATILE |= {"worktrees", "info"}


@dataclass(frozen=True)
class Look:
    """Each fact by a name: `ref refs/heads/main`, `head PATH`, `index PATH NAME`, `file PATH`,
    `git PATH`, `stash`.
    """

    facts: Mapping[str, str]

    def differing(self, other: Look) -> list[str]:
        """The facts that are not the same, with both values."""
        names = sorted({*self.facts, *other.facts})
        return [
            f"{name}: {self.facts.get(name)!r} -> {other.facts.get(name)!r}"
            for name in names
            if self.facts.get(name) != other.facts.get(name)
        ]


def look(place: Place) -> Look:
    """As it is now."""
    found = dict(_refs(place))
    for checkout in place.checkouts:
        if checkout.is_dir():
            found.update(_checkout(checkout))
    for path in place.files():
        if ".worktrees" not in path.relative_to(place.folder).parts:
            found[f"file {path}"] = _state(path)
    for directory in (*place.gits, place.common):
        found.update(_git_directory(directory))
    found["home"] = _state(Path(os.environ["HOME"], ".gitconfig"))
    return Look(found)


def _refs(place: Place) -> Iterator[tuple[str, str]]:
    """Without ours; and all entries of the stash."""
    listed = git(place.repository, "for-each-ref", "--format=%(refname) %(objectname)")
    for line in listed.split("\n"):
        name, _, sha = line.partition(" ")
        if not name.startswith(OURS):
            yield f"ref {name}", sha
    stash = place.common / "logs" / "refs" / "stash"
    if stash.exists():
        yield "stash", stash.read_text("utf-8", "replace")


def expected(place: Place, before: Look, merge: Merge | None) -> Look:
    """What a look must see after a merge that said this: the branch has moved, and with it the
    checkout in which it is; nothing else has.
    """
    if merge is None or merge.sha == merge.before:
        return before
    facts = dict(before.facts)
    facts[f"ref refs/heads/{merge.into}"] = merge.sha
    for checkout in place.own:
        if facts.get(f"head {checkout}") == f"refs/heads/{merge.into}":
            facts.update(_moved(place, checkout, before, merge))
    return Look({name: fact for name, fact in facts.items() if fact})


def _moved(place: Place, checkout: Path, before: Look, merge: Merge) -> Iterator[tuple[str, str]]:
    """What a checkout has of the files that a merge has changed; an empty text for one that is
    gone."""
    listed = git(
        checkout, "diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", merge.before, merge.sha
    )
    fields = iter(listed.split("\0")[:-1])
    is_sparse = git(checkout, "config", "core.sparseCheckout", ok=(0, 1)) == "true"
    ignores_stat = git(checkout, "config", "core.ignoreStat", ok=(0, 1)) == "true"
    for entry, name in zip(fields, fields, strict=True):
        _, mode, _, sha, kind = entry.split(" ")
        path = checkout / name
        flag = before.facts.get(f"index {checkout} {name}", "H").partition(" ")[0]
        if kind == "D":
            yield f"index {checkout} {name}", ""
            yield f"file {path}", ""
            continue
        flag = "S" if is_sparse and not path.exists() else flag
        flag = flag.lower() if ignores_stat else flag
        yield f"index {checkout} {name}", f"{flag} {mode.lstrip(':')} {sha} 0"
        if flag == "S" and not path.exists():
            continue
        if path.is_symlink() or not mode.startswith("100"):
            yield f"file {path}", _state(path)
        else:
            data = _smudged(checkout, merge.sha, name)
            mode_now = stat.S_IMODE(path.lstat().st_mode) if path.exists() else 0
            is_program = mode == "100755"
            same = bool(mode_now & 0o100) is is_program or not _filemode(checkout)
            yield f"file {path}", _described(data, mode_now if same else 0)
        for folder in path.relative_to(place.folder).parents:
            if folder.parts:
                yield f"file {place.folder / folder}", _state(place.folder / folder)


def _filemode(checkout: Path) -> bool:
    return git(checkout, "config", "core.fileMode", ok=(0, 1)) != "false"


def _smudged(checkout: Path, sha: str, name: str) -> bytes:
    return git_bytes(checkout, "cat-file", "--filters", f"{sha}:{name}")


def _checkout(checkout: Path) -> Iterator[tuple[str, str]]:
    head = git(checkout, "symbolic-ref", "-q", "HEAD", ok=(0, 1, 128))
    yield f"head {checkout}", head or git(checkout, "rev-parse", "HEAD")
    for entry in git(checkout, "ls-files", "--stage", "-v", "-z").split("\0"):
        if entry:
            facts, _, name = entry.partition("\t")
            yield f"index {checkout} {name}", facts


def _git_directory(directory: Path) -> Iterator[tuple[str, str]]:
    for name in sorted(os.listdir(directory)) if directory.is_dir() else ():
        if not _is_volatile(name):
            yield f"git {directory} {name}", "there"
    for path in _kept(directory):
        fact = _persons_own(path)
        if fact:
            yield f"git {path}", fact
    for lock in directory.rglob("*.lock"):
        yield f"git {lock}", "lock"


def _kept(directory: Path) -> Iterator[Path]:
    """The files of `_KEPT`; of submodules their settings and where they stand."""
    for name in _KEPT:
        is_modules = name == "modules"
        if (directory / name).is_file():
            yield directory / name
        for folder, folders, names in os.walk(directory / name):
            if is_modules:
                folders[:] = [one for one in folders if one not in ("objects", "logs", "worktrees")]
            wanted = {*names} & {"config", "HEAD"} if is_modules else names
            yield from (Path(folder, one) for one in wanted)


def _is_volatile(name: str) -> bool:
    return name in _VOLATILE or name.startswith(("fsmonitor--", "sharedindex."))


def _persons_own(path: Path) -> str:
    """How it stands, but for the one line that keeps our worktrees out of the status."""
    if path.name != "exclude":
        return _state(path)
    lines = [one for one in path.read_bytes().split(b"\n") if one.strip()]
    return os.fsdecode(b"\n".join(one for one in lines if one.strip() != b"/.worktrees/"))


def _state(path: Path) -> str:
    try:
        status = path.lstat()
    except OSError:
        return "absent"
    if stat.S_ISLNK(status.st_mode):
        return f"link {os.readlink(path)}"
    if stat.S_ISREG(status.st_mode):
        return _described(path.read_bytes(), stat.S_IMODE(status.st_mode))
    return f"{stat.S_IFMT(status.st_mode):o} {stat.S_IMODE(status.st_mode):o}"


def _described(data: bytes, mode: int) -> str:
    return f"{mode:o} {hashlib.sha256(data).hexdigest()[:16]} {data[:60]!r}"


def files_of(tree: Path) -> dict[str, str]:
    """What lies in a worktree and git does not ignore; nothing of repositories within."""
    listed = git(tree, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = {one for one in listed.split("\0") if one and not one.endswith("/")}
    has_modes = _filemode(tree)
    found = {name: _as_git_keeps(tree / name, has_modes) for name in names}
    return {name: fact for name, fact in found.items() if fact != "absent"}


def _as_git_keeps(path: Path, has_modes: bool) -> str:
    """Of a file's mode git keeps whether it is a program; line ends are as it is set to."""
    if path.is_symlink() or not path.is_file():
        return _state(path)
    is_program = has_modes and path.stat().st_mode & 0o100
    return _described(path.read_bytes().replace(b"\r\n", b"\n"), 0o755 if is_program else 0o644)
