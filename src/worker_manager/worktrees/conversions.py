"""Files that git would write otherwise than they are: a filter, or line ends, stand between.

What git has of such a file does not bring it back: a filter that strips takes the outputs of a
notebook away, and git calls the file unchanged from then on.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.git import ask, known, names, run

#: Filters whose promise it is that nothing is lost on the way.
LOSSLESS = frozenset({"lfs", "git-crypt", "annex"})
_UNSET = ("unspecified", "unset", "set", "")


def filtered(path: str, environment: Mapping[str, str]) -> list[str]:
    """The tracked files that go through a filter. Raises WorktreeRefused."""
    keys = known(
        path, "config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process)$"
    )
    drivers = {key.split(".", 1)[1].rpartition(".")[0] for key in keys.split("\0") if key}
    drivers -= LOSSLESS
    if not drivers:
        return []
    tracked = "".join(f"{one}\0" for one in names(path, "ls-files", "-z", environment=environment))
    said = run(path, "check-attr", "-z", "--stdin", "filter", stdin=tracked)
    fields = said.split("\0")
    return [
        name for name, value in zip(fields[::3], fields[2::3], strict=False) if value in drivers
    ]


def altered(path: str, candidates: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Of these files, each in the index as git keeps it, those that git would write otherwise than
    they are: their names, and the modes they have. Raises WorktreeRefused when git does not say.
    """
    wanted = [one for one in dict.fromkeys(candidates) if _is_plain(path, one)]
    found = {}
    for name, (mode, sha) in _staged(path, wanted, environment).items():
        content = _content(path, name)
        if content is not None and _blob(content, like=sha) != sha:
            written = ask(path, "cat-file", "--filters", f":{name}", environment=environment)
            if written.code:
                raise WorktreeRefused(f"git does not say what it would write as {name!r}.")
            if content != os.fsencode(written.text):
                found[name] = mode
    return found


def raw_tree(path: str, files: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """A tree of these files as they are, and of nothing else, made in the index."""
    run(path, "read-tree", "--empty", environment=environment)
    kept = ("hash-object", "-w", "--no-filters", "--")
    lines = [
        f"{mode} {run(path, *kept, name, environment=environment)}\t{name}\0"
        for name, mode in files.items()
    ]
    words = ("update-index", "-z", "--index-info")
    run(path, *words, environment=environment, stdin="".join(lines))
    return run(path, "write-tree", environment=environment)


def _content(path: str, name: str) -> bytes | None:
    """None when it can't be read: then it could not be added either, which is told elsewhere."""
    try:
        with open(os.path.join(path, name), "rb") as file:
            return file.read()
    except OSError:
        return None


def _blob(content: bytes, *, like: str) -> str:
    """The id that git has for a content, in a repository with ids like that one."""
    kind = "sha1" if len(like) == 40 else "sha256"
    return hashlib.new(
        kind, b"blob %d\0" % len(content) + content, usedforsecurity=False
    ).hexdigest()


def _staged(
    path: str, wanted: Sequence[str], environment: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    if not wanted:
        return {}
    chosen, found = set(wanted), {}
    for entry in names(path, "ls-files", "--stage", "-z", environment=environment):
        facts, _, name = entry.partition("\t")
        mode, sha, _ = facts.split(" ")
        if name in chosen:
            found[name] = (mode, sha)
    return found


def _is_plain(path: str, name: str) -> bool:
    whole = os.path.join(path, name)
    return os.path.isfile(whole) and not os.path.islink(whole)
