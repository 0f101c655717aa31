"""Files that git would write otherwise than they are: a filter, or line ends, stand between.

What git has of such a file does not bring it back: a filter that strips takes the outputs of a
notebook away, and git calls the file unchanged from then on.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence

from worker_manager.worktrees.git import known, names, run

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
    tracked = "".join(
        f"{name}\0" for name in names(path, "ls-files", "-z", environment=environment)
    )
    said = run(path, "check-attr", "-z", "--stdin", "filter", stdin=tracked)
    fields = said.split("\0")
    return [
        name for name, value in zip(fields[::3], fields[2::3], strict=False) if value in drivers
    ]


def altered(path: str, candidates: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the mode of each candidate that git would write differently from its bytes on the
    disk, by name. Each must be in the index. Raises WorktreeRefused when git does not say.
    """
    wanted = [name for name in dict.fromkeys(candidates) if _is_plain(path, name)]
    converted = {
        name: mode
        for name, (mode, sha) in _staged(path, wanted, environment).items()
        if mode.startswith("100") and _raw(path, name, like=sha) not in ("", sha)
    }
    if not converted:
        return {}
    with tempfile.TemporaryDirectory() as folder:  # as git would write all of them: one process
        words = ("checkout-index", "-z", "--stdin", f"--prefix={folder}/")
        asked = "".join(f"{name}\0" for name in converted)
        run(path, *words, environment=environment, stdin=asked)
        return {
            name: mode
            for name, mode in converted.items()
            if not filecmp.cmp(f"{path}/{name}", f"{folder}/{name}", shallow=False)
        }


def raw_tree(path: str, files: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """A tree of these files as they are, and of nothing else, made in the index."""
    run(path, "read-tree", "--empty", environment=environment)
    kept = _kept(path, files, environment)
    lines = [f"{mode} {kept[name]}\t{name}\0" for name, mode in files.items()]
    words = ("update-index", "-z", "--index-info")
    run(path, *words, environment=environment, stdin="".join(lines))
    return run(path, "write-tree", environment=environment)


def _kept(path: str, files: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The ids of these files, written as they are: in one process, but for names that a list of
    lines can't hold.
    """
    write = ("hash-object", "-w", "--no-filters")
    lines = [file for file in files if "\n" not in file and not file.startswith('"')]
    asked = "".join(f"{line}\n" for line in lines)
    said = run(path, *write, "--stdin-paths", environment=environment, stdin=asked).split("\n")
    found = dict(zip(lines, said, strict=False))
    rest = [file for file in files if file not in found]
    found.update((name, run(path, *write, "--", name, environment=environment)) for name in rest)
    return found


def _raw(path: str, name: str, *, like: str) -> str:
    """The id that git has for a file as it is, in a repository with ids like that one; empty when
    it can't be read: then it could not be added either, which is told elsewhere.
    """
    digest = hashlib.new("sha1" if len(like) == 40 else "sha256", usedforsecurity=False)
    try:
        with open(os.path.join(path, name), "rb") as file:
            digest.update(b"blob %d\0" % os.fstat(file.fileno()).st_size)
            while portion := file.read(1 << 20):
                digest.update(portion)
    except OSError:
        return ""
    return digest.hexdigest()


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
