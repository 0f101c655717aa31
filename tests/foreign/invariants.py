"""What must hold on every ground, whatever was done. Each gives what is wrong, in sentences."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tests.foreign.deeds import Hand
from tests.foreign.look import OURS, Look, expected
from tests.foreign.place import Place, git
from worker_manager.crew.integration import clean
from worker_manager.domain.worker import Merge, Status, Worker

_SHA = re.compile(rb"\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b")


def person_is_untouched(place: Place, before: Look, after: Look, merge: Merge | None) -> list[str]:
    """Branches, tags, HEADs, indexes, files, stash, settings and hooks of the person are as they
    were, but for what a merge said.
    """
    wrong = expected(place, before, merge).differing(after)
    return [f"of the person's has changed: {one}" for one in wrong]


def nothing_is_lost(hand: Hand) -> list[str]:
    """Every content that the worker wrote is in a file, or named by a ref or by a file of git's."""
    there = set(_ids_of_files(hand.place)) | _ids_that_git_names(hand.place)
    return [f"lost: {label}" for label in hand.contents if not _ids(hand, label) & there]


def is_a_worktree(worker: Worker) -> list[str]:
    """git, asked in a worker's worktree, speaks of that worktree."""
    top = git(Path(worker.path), "rev-parse", "--show-toplevel")
    if os.path.realpath(top) != os.path.realpath(worker.path):
        return [f"git in {worker.path} works on {top}"]
    return []


def is_where_it_says(worker: Worker) -> list[str]:
    """The same, and of its branch."""
    branch = git(Path(worker.path), "symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
    on = [] if branch == f"refs/heads/{worker.branch}" else [f"{worker.path} is on {branch}"]
    return [*is_a_worktree(worker), *on]


def evidence_is_of_its_work(hand: Hand, evidence: str) -> list[str]:
    """What a completion says was found is the worker's own, and nothing of the person's."""
    wrong = []
    for line in re.findall(r"^(?:Changed|New), but not committed: (.*)\.$", evidence, re.MULTILINE):
        strange = [one for one in line.split(", ") if not _is_its(hand, one)]
        wrong += [f"evidence names {one!r}, which the worker did not write" for one in strange]
    count = re.search(r": (\d+) commits? since ([0-9a-f]+)", evidence)
    if count:
        really = hand.git("rev-list", "--count", f"{hand.worker.base_sha}..HEAD")
        if count[1] != really:
            wrong.append(f"evidence says {count[1]} commits, git says {really}")
    return wrong


def _is_its(hand: Hand, shown: str) -> bool:
    return any(shown.strip('"') in (name, name.partition("/")[0] + "/") for name in hand.names)


def diff_shows_its_work(hand: Hand, text: str) -> list[str]:
    """What a worker changed stands in its diff, committed or not."""
    plain = {"file.txt", "added.txt", "played.txt"} & hand.committed
    return [f"the diff lacks {label}" for label in plain if f"+++ b/{label}\n" not in text]


def merge_is_in(hand: Hand, merge: Merge) -> list[str]:
    """A merge that was told is in the branch that it names: each file as its worker committed it,
    by the authors and with the words that its commits have.
    """
    place, wrong = hand.place, []
    stands = git(place.repository, "rev-parse", f"refs/heads/{merge.into}")
    if stands != merge.sha:
        wrong.append(f"{merge.into} stands at {stands} and not at {merge.sha}")
    there = _objects(place, merge.sha)
    wrong += [
        f"{label} is told as merged and is not in {merge.into}"
        for label in hand.committed - hand.set_aside
        if not _ids(hand, label) & there
    ]
    if not hand.committed:
        wrong.append("told as merged, while nothing was committed")
    if merge.strategy == "merge" and merge.sha != merge.before:
        git(place.repository, "merge-base", "--is-ancestor", merge.tip, merge.sha)
    if merge.strategy == "rebase":
        asked = ("log", "--no-show-signature", "--no-merges", "--format=%an|%ae|%B")
        theirs = git(place.repository, *asked, f"{merge.before}..{merge.tip}")
        ours = git(place.repository, *asked, f"{merge.before}..{merge.sha}")
        wrong += [f"the rebased commits say {ours!r} and not {theirs!r}"] if ours != theirs else []
    return wrong


def is_cleaned(place: Place, worker: Worker) -> list[str]:
    """What was told as cleaned is gone, and a ref holds it."""
    wrong = []
    if os.path.lexists(worker.path):
        wrong.append(f"cleaned, but {worker.path} is there")
    if git(place.repository, "for-each-ref", f"refs/heads/{worker.branch}"):
        wrong.append(f"cleaned, but {worker.branch} is there")
    is_held = worker.cleaned == clean.NOTHING  # somebody had removed all of it before
    if not is_held and not git(place.repository, "for-each-ref", worker.cleaned or "none"):
        wrong.append(f"cleaned, but there is no ref {worker.cleaned!r}")
    return wrong


def is_kept(worker: Worker, was_there: bool) -> list[str]:
    """What was told as kept is still there."""
    is_there = os.path.lexists(worker.path)
    return [f"kept, but {worker.path} is gone"] if was_there and not is_there else []


def took_only_what_is_merged(hand: Hand, into: str) -> list[str]:
    """Cleaning without force takes what the branch has that it was merged into, no more."""
    there = _objects(hand.place, f"refs/heads/{into}")
    return [
        f"cleaned without force, while {label} is not in {into}"
        for label in hand.contents
        if label not in hand.set_aside and not _ids(hand, label) & there
    ]


def came_back(hand: Hand, before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What was cleaned and restored is as it was: each file that git does not ignore, but for those
    of the commit that a sparse checkout leaves out.
    """
    flags = hand.git("ls-files", "-t", "-z").split("\0")
    sparse = {one[2:] for one in flags if one.startswith("S")} - {*after}
    wanted = {name: fact for name, fact in before.items() if name not in sparse}
    return Look(wanted).differing(Look(after))


def stop_has_saved(hand: Hand, worker: Worker, is_worktree: bool) -> list[str]:
    """A stop saves what no commit holds; it says so only when it did."""
    place = hand.place
    wrong = [] if worker.status is Status.STOPPED else [f"stopped, but {worker.status.value}"]
    if not is_worktree:
        return [*wrong, "said to be saved, while it was no worktree"] if worker.saved else wrong
    if not worker.saved:
        return [*wrong, "not saved"]
    there, now = _objects(place, worker.saved), _ids_in(hand)
    apart = hand.committed | hand.set_aside | hand.beside_git
    loose = [one for one in hand.contents if one not in apart and _ids(hand, one) & now]
    wrong += [f"the stop has not saved {one}" for one in loose if not _ids(hand, one) & there]
    mine = {one.name for one in place.repository.iterdir()} & {"mine.txt", "debug.log"}
    held = git(place.repository, "ls-tree", "--name-only", worker.saved).split("\n")
    return [*wrong, *(f"the stop has saved the person's {one}" for one in mine & set(held))]


def nothing_is_left(place: Place, worker: Worker, first: Look, last: Look) -> list[str]:
    """After the last cleaning there is no worktree, branch, lock or directory of ours, and the
    status says what it said.
    """
    wrong = [
        f"left: {path}"
        for path in place.folder.rglob("*")
        if path.name.startswith(worker.name)
        and not path.is_relative_to(place.folder / "moved.git")
        and OURS[-1] not in f"{path}/"
        and "logs" not in path.parts
    ]
    wrong += [
        f"left: {line}"
        for line in git(
            place.repository, "for-each-ref", "--format=%(refname)", "refs/heads"
        ).split("\n")
        if worker.name in line
    ]
    locks = [one for one in last.differing(first) if ".lock" in one]
    listed = git(place.repository, "worktree", "list", "--porcelain")
    wrong += [f"git still lists {worker.name}"] if worker.name in listed else []
    return wrong + locks


def _ids(hand: Hand, label: str) -> set[str]:
    """The ids under which a content may be kept."""
    return {hand.place.blob(one) for one in hand.place.blobs(hand.contents[label])}


def _ids_in(hand: Hand) -> set[str]:
    """Of what lies in a worktree and its index."""
    listed = hand.git("ls-files", "--stage", "-z").split("\0")
    files = {one for one in hand.tree.rglob("*") if one.is_file() and not one.is_symlink()}
    return {one.split(" ")[1] for one in listed if one} | {
        hand.place.blob(one.read_bytes()) for one in files
    }


def _ids_of_files(place: Place) -> Iterator[str]:
    for path in place.files():
        if path.is_file() and not path.is_symlink():
            yield place.blob(path.read_bytes())


def _ids_that_git_names(place: Place) -> set[str]:
    """By refs, by the indexes of worktrees, and by files that git keeps of worktrees."""
    named = {b"--all"}
    for file in (place.common / "worktrees").rglob("*"):
        if file.is_file() and file.name not in ("index",):
            named |= set(_SHA.findall(file.read_bytes()))
    stash = place.common / "logs" / "refs" / "stash"
    named |= set(_SHA.findall(stash.read_bytes())) if stash.exists() else set()
    return _objects(place, "--indexed-objects", *(os.fsdecode(one) for one in named))


def _objects(place: Place, *names: str) -> set[str]:
    asked = ("rev-list", "--objects", "--ignore-missing", "--missing=allow-any")
    said = git(place.repository, *asked, *names, "--")
    return {line.partition(" ")[0] for line in said.split("\n")}
