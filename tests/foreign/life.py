"""The whole life of a worker on some ground, each act with a look at the world around it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

from tests.conftest import end_tmux, make_fleet
from tests.foreign import invariants
from tests.foreign.deeds import Hand, loose
from tests.foreign.look import files_of, look
from tests.foreign.place import GitFailed, plain, program
from tests.foreign.rows import STOPPED, Row
from tests.support.scripted.workers import take_mail
from tests.support.waiting import wait_until
from worker_manager import config
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.clean import CleanOptions
from worker_manager.crew.integration.merge import STRATEGIES, Merged, MergeOptions
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.reporting import reports
from worker_manager.domain import message
from worker_manager.domain.worker import Merge, Worker
from worker_manager.errors import WorkerManagerError
from worker_manager.views import inspection
from worker_manager.worktrees import git as git_module

T = TypeVar("T")
_ROOM = 40_000
_PLAYED = """```steps
[{"write": {"path": "played.txt", "text": "by the agent\\n"}}, {"commit": "Add a file"},
 {"complete": "done"}]
```"""
_IDENTITY = "[user]\n name = Test\n email = test@example.invalid\n"


class Wrong(AssertionError):
    """Something does not hold."""


class Impossible(Exception):
    """The ground can't be made, or the worker can't do its deed there: no fault of ours."""


class Over(Exception):
    """The start was refused, as it should be: there is nothing more to try."""


class Life:
    """One worker's, in a place of its own below `folder`."""

    def __init__(
        self, row: Row, folder: Path, socket: str, *, must_refuse: bool = True, **more: object
    ) -> None:
        self.row = row
        self._must_refuse = must_refuse
        self.place = plain(folder)
        with _possible():
            for change in row.grounds:
                change(self.place)
        self.place.settle()
        settings = {"agent": "claude", "permission_mode": "acceptEdits", **row.settings, **more}
        self.fleet = make_fleet(self.place.project, socket, "session-1", **settings)
        self.other = make_fleet(self.place.project, socket, "session-2", **settings)
        self.first = self._seen = look(self.place)
        self.hand: Hand

    @property
    def worker(self) -> Worker:
        """As its record says now."""
        return self.fleet.records.load(self.hand.worker.id)

    def start(self, task: str = "work") -> None:
        """A real worktree, a real terminal."""
        config.load(self.place.project, {})
        started = self._refusable("start", lambda: self._start(task))
        if started is None:
            self._require(self._untouched(None))
            assert self.fleet.records.all() == [], "refused, but a record is left"
            raise Over
        self.hand = Hand(self.place, started)
        self._require(self._untouched(None), invariants.is_where_it_says(started))

    def work(self, deed: Callable[[Hand], None]) -> None:
        """The worker does something; what that changes around it is its own doing."""
        with _possible():
            deed(self.hand)
        self._seen = look(self.place)
        self._require(invariants.nothing_is_lost(self.hand))

    def complete(self) -> None:
        """It reports, and what lies behind that is looked up."""
        self._act(lambda: reports.check_in(self.fleet.records, self.worker.id))
        self._act(lambda: reports.complete(self.fleet.records, self.worker.id, "done"))
        assert [one.type for one in take_mail(self.fleet)] == [message.COMPLETION]
        self.see_evidence()

    def see_evidence(self) -> None:
        """What was found when it completed."""
        if self._is_worktree:
            self._require(invariants.evidence_is_of_its_work(self.hand, self.worker.evidence))

    def diff(self) -> None:
        """What the orchestrator is shown of it."""
        view = self._act(lambda: inspection.look(self.fleet, self.worker.id, "diff", "", _ROOM))
        if self._is_worktree:
            self._require(invariants.diff_shows_its_work(self.hand, view.text))

    def merge(self, strategy: str) -> Merge | None:
        """Its branch comes in, or the refusal changes nothing."""
        wish = MergeOptions(strategy, self.row.into)
        merged: Merged | None = self._refusable(
            strategy, lambda: self.fleet.merge(self.worker.id, wish)
        )
        if merged is None:
            self._require(self._untouched(None))
            return None
        self._require(self._untouched(merged.merge))
        self._require(invariants.merge_is_in(self.hand, merged.merge))
        return merged.merge

    def stop(self) -> None:
        """Its session ends, what no commit holds is saved."""
        is_worktree = self._is_worktree
        self._act(lambda: self._fleet.stop(self.worker.id))
        if not self.worker.cleaned:
            self._require(invariants.stop_has_saved(self.hand, self.worker, is_worktree))

    def adopt(self) -> None:
        """Another session takes it over."""
        adopted = self._act(lambda: self.other.adopt([self.worker.id], force=True))
        assert [one.id for one in adopted] == [self.worker.id]
        assert self.worker.owner == self.other.owner

    def clean(self, *, force: bool = False, into: str = "") -> bool:
        """Whether it is cleaned."""
        was_there = os.path.lexists(self.worker.path)
        order = CleanOptions([self.worker.id], force=force)
        (outcome,) = self._act(lambda: self._fleet.clean(order))
        self.said = outcome.why_not
        if self.said:
            self._require(invariants.is_kept(self.worker, was_there))
            return False
        self._require(invariants.is_cleaned(self.place, self.worker))
        if not force:
            self._require(invariants.took_only_what_is_merged(self.hand, into))
        return True

    def restore(self) -> bool:
        """Whether it is at work again."""
        restored = self._refusable("restore", lambda: self._fleet.restore(self.worker.id))
        self._require(self._untouched(None))
        if restored is not None:
            self._require(invariants.is_where_it_says(self.worker))
        return restored is not None

    def try_back(self) -> None:
        """What is no worktree any more comes back, as its worker left it, or it is said why
        not; nothing is lost.
        """
        self._act(lambda: self._fleet.stop(self.worker.id))
        try:
            self._fleet.restore(self.worker.id)
        except WorkerManagerError as error:
            self._require(self._untouched(None), [] if str(error) else ["refused without a word"])
            return
        self._require(self._untouched(None), invariants.is_a_worktree(self.worker))

    def end(self) -> None:
        """All of it goes: what keeps it is taken out of the way first."""
        self.work(_keep_what_was_moved_aside)
        self.work(self.row.way_out)
        if not self.worker.finished:
            self._act(lambda: self._fleet.stop(self.worker.id))
        if os.path.lexists(self.worker.path) or not self.worker.cleaned:
            assert self.clean(force=True), f"the last cleaning: {self.said}"
        last = look(self.place)
        self._require(invariants.nothing_is_left(self.place, self.worker, self.first, last))

    def files(self) -> dict[str, str]:
        """What a restore must bring back."""
        return files_of(self.hand.tree) if self._is_worktree else {}

    @property
    def _fleet(self) -> Fleet:
        is_adopted = self.worker.owner == self.other.owner
        return self.other if is_adopted else self.fleet

    @property
    def _is_worktree(self) -> bool:
        """Whether its directory is still the worktree that git made."""
        file = self.hand.tree / ".git"
        return not self.hand.tree.is_symlink() and file.is_file()

    def _start(self, task: str) -> Worker:
        named = {
            f"WORKER_MANAGER_{key.upper()}": str(one) for key, one in self.row.settings.items()
        }
        config.load(self.place.project, {**os.environ, **named})  # what refuses a setting
        wanted = StartRequest("t", task, base_branch=self.row.base or None)
        return self.fleet.start(wanted).worker

    def _act(self, act: Callable[[], T]) -> T:
        given = act()
        self._require(self._untouched(None))
        return given

    def _refusable(self, step: str, act: Callable[[], T]) -> T | None:
        """None when it was refused as the row says."""
        reason = self.row.refuses.get(step, "")
        try:
            given = act()
        except WorkerManagerError as error:
            said = f"{error}\n{error.shown}"
            if not reason or not re.search(reason, said):
                raise Wrong(f"{step} is refused: {said}") from error
            return None
        if reason and self._must_refuse:
            raise Wrong(f"{step} should be refused: {reason}")
        return given

    def _untouched(self, merge: Merge | None) -> list[str]:
        before, self._seen = self._seen, look(self.place)
        wrong = invariants.person_is_untouched(self.place, before, self._seen, merge)
        return wrong + (invariants.nothing_is_lost(self.hand) if hasattr(self, "hand") else [])

    def _require(self, *wrong: list[str]) -> None:
        found = [one for some in wrong for one in some]
        if found:
            raise Wrong("\n".join(found))


def live(row: Row, life: str, folder: Path, socket: str, *, must_refuse: bool = True) -> None:
    """One of LIVES. Raises Wrong, or whatever breaks."""
    with _world(folder, socket), _limited(row):
        lived = Life(row, folder, socket, must_refuse=must_refuse)
        try:
            lived.start()
        except Over:
            return
        lived.work(row.early)
        (_stopped if life == STOPPED else _merged)(lived, life)
        lived.end()


def play(row: Row, folder: Path, socket: str) -> None:
    """The same with a real agent that plays a script: it edits, commits and completes itself."""
    with _world(folder, socket), _limited(row):
        lived = Life(row, folder, socket, agent="scripted")
        lived.start(_PLAYED)
        wait_until(lambda: lived.worker.finished)
        hand = lived.hand
        hand.contents["played.txt"], hand.committed = b"by the agent\n", {"played.txt"}
        assert [one.type for one in take_mail(lived.fleet)] == [message.COMPLETION]
        lived.see_evidence()
        lived.diff()
        merge = lived.merge(STRATEGIES[0])
        assert merge is not None
        assert lived.clean(into=merge.into), lived.said
        lived.end()


def _merged(life: Life, strategy: str) -> None:
    """Complete, merge, clean; back again."""
    row = life.row
    life.complete()
    life.diff()
    merge = life.merge(strategy)
    life.work(row.late)
    files = life.files()
    is_cleaned = life.clean(into=merge.into if merge else life.place.branch)
    has_all = merge is not None or not life.hand.contents
    may_go = has_all and "clean" not in row.refuses
    if is_cleaned is not may_go and (may_go or life._must_refuse):
        raise Wrong(f"clean without force: {life.said or 'cleaned'!r}; merged: {merge}")
    if not is_cleaned and "clean" in row.refuses and merge is not None:
        assert re.search(row.refuses["clean"], life.said), life.said
    if not is_cleaned:
        is_cleaned = _forced(life)
    if is_cleaned:
        _back(life, files)
    else:
        life.try_back()


def _stopped(life: Life, _: str) -> None:
    """Stop with loose changes, adopted by another session, clean by force; back again."""
    if life._is_worktree:
        life.work(loose)
    life.work(life.row.late)
    files = life.files()
    life.stop()
    life.adopt()
    if life.clean(into=life.place.branch):
        raise Wrong("cleaned without force, with changes that no commit holds")
    if _forced(life):
        _back(life, files)
    else:
        life.try_back()


def _keep_what_was_moved_aside(hand: Hand) -> None:
    for number, one in enumerate(hand.tree.parent.glob(f"{hand.tree.name}.*")):
        one.rename(hand.place.folder / f"kept-{number}")


def _forced(life: Life) -> bool:
    """Clean by force; refused only where the row says so."""
    reason = life.row.refuses.get("force", "")
    is_cleaned = life.clean(force=True)
    if not is_cleaned and not (reason and re.search(reason, life.said)):
        raise Wrong(f"not cleaned by force: {life.said}")
    if is_cleaned and reason and life._must_refuse:
        raise Wrong(f"should not be cleaned by force: {reason}")
    return is_cleaned


def _back(life: Life, files: dict[str, str]) -> None:
    life.work(life.row.between)
    if life.restore() and life.row.comes_back:
        life._require(invariants.came_back(life.hand, files, life.files()))


@contextmanager
def _limited(row: Row) -> Iterator[None]:
    """git's time limit, where the row shortens it."""
    if not row.limit_seconds:
        yield
        return
    with patch.object(git_module, "TIMEOUT_SECONDS", row.limit_seconds):
        yield


@contextmanager
def _possible() -> Iterator[None]:
    try:
        yield
    except (GitFailed, OSError) as error:
        raise Impossible(str(error)) from error


@contextmanager
def _world(folder: Path, socket: str) -> Iterator[None]:
    """A home and a state of its own, and a `claude` that only waits, first in the PATH: what
    workers do is done by deeds.
    """
    program(folder / "programs" / "claude", "exec sleep 1000")
    home = folder / "its home"
    home.mkdir()
    (home / ".gitconfig").write_text(_IDENTITY, "utf-8")
    changed = {
        "HOME": str(home),
        "PATH": f"{folder / 'programs'}:{os.environ['PATH']}",
        "WORKER_MANAGER_STATE_DIR": os.path.realpath(folder / "its state"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    with patch.dict(os.environ, changed):
        try:
            yield
        finally:
            end_tmux(socket)
