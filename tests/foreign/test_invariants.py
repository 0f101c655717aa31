"""Each invariant sees what it is there for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.foreign import deeds, invariants
from tests.foreign.deeds import Hand
from tests.foreign.look import look
from tests.foreign.place import Place, git, plain
from tests.support.scripted.workers import recorded_worker
from worker_manager.domain.worker import Merge, Status


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = plain(tmp_path)
    made.settle()
    return made


@pytest.fixture
def hand(place: Place, tmux_socket: str) -> Hand:
    """A worker in a worktree that git itself has made."""
    tree = place.repository / ".worktrees" / "t-1"
    git(place.repository, "worktree", "add", "-q", "-b", "worker/t-1", str(tree))
    fleet = make_fleet(place.repository, tmux_socket)
    base = git(place.repository, "rev-parse", "main")
    worker = recorded_worker(
        fleet, place.repository, name="t-1", path=str(tree), branch="worker/t-1", base_sha=base
    )
    return Hand(place, worker)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda p: p.write("mine.txt", "other"), "file .*mine.txt"),
        (lambda p: p.write("debug.log", "other"), "file .*debug.log"),
        (lambda p: (p.repository / "run.sh").chmod(0o644), "file .*run.sh"),
        (lambda p: git(p.repository, "branch", "-D", "other"), "ref refs/heads/other"),
        (lambda p: git(p.repository, "tag", "-d", "v1"), "ref refs/tags/v1"),
        (lambda p: git(p.repository, "stash", "drop"), "stash"),
        (lambda p: git(p.repository, "checkout", "-q", "--detach"), "head "),
        (lambda p: git(p.repository, "rm", "-q", "--cached", "README"), "index .* README"),
        (
            lambda p: git(p.repository, "update-index", "--assume-unchanged", "README"),
            "index .* README",
        ),
        (lambda p: p.set("a.b", "c"), "git .*config"),
        (lambda p: p.hook("pre-commit", "exit 1"), "git .*pre-commit"),
        (lambda p: (p.gits[0] / "index.lock").touch(), "git .*index.lock"),
        (lambda p: (p.gits[0] / "MERGE_HEAD").touch(), "git .*MERGE_HEAD"),
    ],
)
def test_a_change_of_the_persons_is_seen(
    place: Place, change: Callable[[Place], object], seen: str
) -> None:
    before = look(place)
    assert invariants.person_is_untouched(place, before, look(place), None) == []
    change(place)
    told = "\n".join(invariants.person_is_untouched(place, before, look(place), None))

    assert re.search(seen, told)


def test_what_a_merge_said_is_no_change_and_what_it_did_beside_is(hand: Hand) -> None:
    place, before = hand.place, look(hand.place)
    base = hand.worker.base_sha
    deeds.usual(hand)
    git(place.repository, "merge", "-q", "--no-ff", "--no-edit", hand.worker.branch)
    sha = git(place.repository, "rev-parse", "main")
    told = Merge("main", "merge", hand.git("rev-parse", "HEAD"), base, sha, "", done=True)

    assert invariants.person_is_untouched(place, before, look(place), told) == []
    assert invariants.merge_is_in(hand, told) == []
    assert invariants.took_only_what_is_merged(hand, "main") == []
    assert invariants.took_only_what_is_merged(hand, "other") != []
    assert invariants.person_is_untouched(place, before, look(place), None) != []
    assert invariants.merge_is_in(hand, told._replace(sha=base)) != []
    place.write("file.txt", "overwritten")
    assert "file.txt" in str(invariants.person_is_untouched(place, before, look(place), told))


@pytest.mark.parametrize(
    "lose",
    [
        lambda hand: (hand.tree / "un/tracked.txt").unlink(),
        lambda hand: hand.git("reset", "-q", "--mixed"),
        lambda hand: deeds.git_rm(hand.tree),
        lambda hand: git(hand.place.repository, "worktree", "remove", "-f", str(hand.tree)),
    ],
    ids=["untracked", "staged", "removed", "by git"],
)
def test_what_is_lost_is_seen(hand: Hand, lose: Callable[[Hand], object]) -> None:
    deeds.loose(hand)
    assert invariants.nothing_is_lost(hand) == []

    lose(hand)

    assert invariants.nothing_is_lost(hand) != []


def test_an_autostash_is_held_by_a_file_as_long_as_its_worktree_is_there(hand: Hand) -> None:
    deeds.usual(hand)
    deeds.autostash(hand)
    assert invariants.nothing_is_lost(hand) == []

    git(hand.place.repository, "worktree", "remove", "--force", str(hand.tree))

    assert invariants.nothing_is_lost(hand) == ["lost: autostash"]


def test_what_is_said_and_not_so_is_seen(hand: Hand) -> None:
    place, worker = hand.place, hand.worker
    deeds.loose(hand)
    evidence = "Branch b: 3 commits since 1234, 1 file.\nNew, but not committed: mine.txt."

    assert len(invariants.evidence_is_of_its_work(hand, evidence)) == 2
    assert len(invariants.is_cleaned(place, worker._replace(cleaned="refs/none"))) == 3
    assert invariants.is_kept(worker._replace(path="/no/such"), was_there=True) != []
    assert invariants.stop_has_saved(hand, worker, is_worktree=True) != []
    stopped = worker._replace(status=Status.STOPPED, saved=worker.base_sha)
    assert "README" in str(invariants.stop_has_saved(hand, stopped, is_worktree=True))
    assert invariants.stop_has_saved(hand, stopped, is_worktree=False) != []
    assert invariants.nothing_is_left(place, worker, look(place), look(place)) != []
    assert invariants.came_back(hand, {"a": "1"}, {"b": "1"}) != []
    hand.git("checkout", "-q", "--detach")
    (hand.tree / ".git").unlink()
    assert "works on" in str(invariants.is_where_it_says(worker))
