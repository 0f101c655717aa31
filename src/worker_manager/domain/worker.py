"""Worker: the record of one worker, its statuses and its legal moves. No input or output."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from worker_manager.domain.session import Activity
from worker_manager.errors import WorkerFinished

SCHEMA = 1
#: Between two turns a session is idle for a moment.
SETTLE_SECONDS = 3.0


class Status(StrEnum):
    """Where a worker stands (DESIGN section 7)."""

    QUEUED = "queued"  #: it starts by itself as soon as there is room; the reason says for what
    STARTING = "starting"  #: launched; its session has not checked in yet
    RUNNING = "running"  #: its session checked in and works
    ASKING = "asking"  #: it called `ask` and has no answer yet
    BLOCKED = "blocked"  #: it can't go on by itself: a permission, a dialog, a usage limit
    COMPLETED = "completed"  #: it called `complete`
    FAILED = "failed"  #: its agent process ended without a report
    STOPPED = "stopped"  #: the orchestrator stopped it


#: Statuses of a worker that has nothing more to do.
FINISHED = frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPED})


def seconds_of(stamp: str) -> float:
    """A moment of a record in seconds since the epoch; 0 when it has none."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0


class Report(NamedTuple):
    """What a worker said last. `delivered` tells whether the message is known to lie in the
    owner's mailbox: a crash before that is repaired from here.
    """

    message_id: str
    type: str
    text: str
    at: str
    delivered: bool = False


class Merge(NamedTuple):
    """How a worker's branch, which stood at `tip`, came into another: with the commit `sha`, where
    `before` was. Until it is `done` it is an intention, and may have been cut off.
    """

    into: str
    strategy: str
    tip: str
    before: str
    sha: str
    at: str
    done: bool = False


class Former(NamedTuple):
    """An orchestrator that had the worker until `at`: letters of it may still lie there."""

    owner: str
    at: str


class Worker(NamedTuple):
    """The record. Times are ISO texts in UTC, paths absolute, `extra` what a newer version
    of the plugin wrote and this one keeps.
    """

    id: str
    name: str
    title: str
    owner: str
    created_at: str
    project: str
    path: str
    agent: str
    session_id: str
    handle: str
    mark: str
    starter: str = ""  #: identity of the process that starts it
    process: str = ""  #: identity of its launch script's process, once launched
    status: Status = Status.STARTING
    changed_at: str = ""
    reason: str = ""
    runtime: str = "tmux"
    permission_mode: str = ""
    model: str = ""
    branch: str = ""
    base_branch: str = ""
    base_sha: str = ""
    checks: tuple[str, ...] = ()  #: commands that must succeed before it may complete
    allowed_paths: tuple[str, ...] = ()  #: what it was told to change; empty: everything
    evidence: str = ""  #: what was found in its worktree when it completed
    report: Report | None = None
    exit_code: int | None = None
    missing: str = ""  #: worktree, branch, or both with ` and `: gone without our doing
    launched: bool = False
    stop_requested: bool = False
    stop_due: str = ""  #: when its session ends, after it was asked to stop
    saved: str = ""  #: the git ref that holds what no commit held when its session ended
    closed: bool = False  #: its session was ended a while after it completed
    merge: Merge | None = None
    #: Checks that its merge must pass, and has not passed as far as is known. Not in `Merge`: older
    #: versions keep what they don't know here, and can't read it there.
    unchecked: tuple[str, ...] = ()
    cleaned: str = ""  #: the git ref that holds its branch and files, once these were removed
    budget_tokens: int = 0  #: that it may use; 0: any number
    formers: tuple[Former, ...] = ()  #: whose letters of it are not all forwarded yet
    key: str = ""  #: its caller's, with which the same start again is this worker; empty: none
    agent_name: str = ""  #: of the named agent; empty: an earlier version's, named as its program
    opinions: int = 0  #: how many second ones it has asked for
    arguments: str = ""  #: with a key: the digest of what else was asked for
    schema: int = SCHEMA
    extra: Mapping[str, Any] = {}

    @property
    def finished(self) -> bool:
        """Whether it has nothing more to do."""
        return self.status in FINISHED

    @property
    def is_presumed_dead(self) -> bool:
        """Whether its end was only concluded: no launch script has told an exit code."""
        return self.status is Status.FAILED and self.exit_code is None

    def effective_status(self, activity: Activity | None, *, at: float) -> tuple[Status, str, str]:
        """Returns status, reason and since when, corrected by what its session does at this moment:
        some things that happen at its terminal fire no hook. `at` is in seconds since the epoch.
        """
        if activity is None:
            return self.status, self.reason, self.changed_at
        idle_since = self.idle_since(activity)
        moment = activity.since if idle_since is None else idle_since
        if at - moment < SETTLE_SECONDS:
            return self.status, self.reason, self.changed_at
        since = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
        if idle_since is not None:
            return self.status, "idle without a report; a nudge makes it go on", since
        is_open = self.status in (Status.STARTING, Status.RUNNING)
        if is_open and activity.status == "waiting":
            return Status.BLOCKED, f"{activity.waiting_for} at its terminal", since
        if self.status is Status.BLOCKED and activity.status == "busy" and since > self.changed_at:
            return Status.RUNNING, "", since
        return self.status, self.reason, self.changed_at

    def idle_since(self, activity: Activity | None) -> float | None:
        """Since when its session does nothing while it should, in seconds since the epoch; None
        when that is not so. What it did before its status last changed is over: a session that
        was idle when somebody spoke to it needs a moment to wake.
        """
        should_work = self.status in (Status.STARTING, Status.RUNNING)
        if activity is None or activity.status != "idle" or not should_work:
            return None
        return max(activity.since, seconds_of(self.changed_at))

    def launch(self, process: str) -> Worker:
        """Its runtime has taken it over."""
        return self._replace(launched=True, process=process)

    def check_in(self, *, at: str, began: float | None = None) -> Worker:
        """Its session has started, or started a turn. What blocked it after that turn `began`, in
        seconds since the epoch, still does: its hook comes late.
        """
        is_late = began is not None and began < seconds_of(self.changed_at)
        if self.status is Status.BLOCKED and is_late:
            return self
        if self.status in (Status.STARTING, Status.BLOCKED) or self.is_presumed_dead:
            return self._move(Status.RUNNING, at)
        return self

    def block(self, report: Report, *, reason: str) -> Worker:
        """It can't go on by itself; a finished one needs not to."""
        if self.finished:
            return self
        return self._move(Status.BLOCKED, report.at, reason)._replace(report=report)

    def unblock(self, *, at: str) -> Worker:
        """What it waited for has come, or somebody at its terminal has answered."""
        return self._move(Status.RUNNING, at) if self.status is Status.BLOCKED else self

    def ask(self, report: Report) -> Worker:
        """It asked its orchestrator something."""
        self._require_alive()
        asking = self._move(Status.ASKING, report.at)._replace(report=report)
        return asking.withdraw_stop() if self.stop_due else asking  # it refuses to stop

    def complete(self, report: Report, evidence: str = "") -> Worker:
        """It reported its work as done."""
        if self.status is not Status.COMPLETED:
            self._require_alive()
        return self._move(Status.COMPLETED, report.at)._replace(report=report, evidence=evidence)

    def resume(self, *, at: str) -> Worker:
        """Its orchestrator spoke to it: a question is answered, a completed worker reopened; one
        that stands still has from now on to wake.
        """
        if self.status in (Status.FAILED, Status.STOPPED):
            self._require_alive()
        if self.status in (Status.ASKING, Status.COMPLETED, Status.RUNNING):
            return self._move(Status.RUNNING, at)
        return self

    def request_stop(self, *, due: str = "") -> Worker:
        """From here on the end of its process is a stop and no failure."""
        return self._replace(stop_requested=True, stop_due=due)

    def withdraw_stop(self) -> Worker:
        """It won't be stopped after all."""
        return self._replace(stop_requested=False, stop_due="")

    def close(self, changed_at: str) -> Worker:
        """Its session ends, for it has completed and nobody spoke to it since then."""
        is_done = self.status is Status.COMPLETED and self.changed_at == changed_at
        return self._replace(closed=True) if is_done else self

    def restore(self, starter: str, *, at: str, waits_for: str) -> Worker:
        """Its conversation is to go on in a new session, at once or as soon as there is room."""
        fresh = self._replace(starter=starter, launched=False, exit_code=None, closed=False)
        status = Status.QUEUED if waits_for else Status.STARTING
        return fresh.withdraw_stop()._move(status, at, waits_for)

    def roll_back_to(self, before: Worker) -> Worker:
        """Rolls back to the run state of `before`, after a restore that failed."""
        return self._move(before.status, before.changed_at, before.reason)._replace(
            starter=before.starter,
            launched=before.launched,
            exit_code=before.exit_code,
            closed=before.closed,
            stop_requested=before.stop_requested,
            stop_due=before.stop_due,
        )

    def leave_queue(self, starter: str, *, at: str) -> Worker:
        """There is room for it; somebody else may have started or stopped it before."""
        if self.status is not Status.QUEUED:
            return self
        return self._replace(starter=starter)._move(Status.STARTING, at)

    @property
    def has_failed_to_start(self) -> bool:
        """Whether it failed before its launch script was known to run."""
        return self.is_presumed_dead and not self.has_run

    @property
    def has_run(self) -> bool:
        """Whether it has had a session, which may be gone by now."""
        return bool(self.process)

    def merging(self, merge: Merge | None, unchecked: tuple[str, ...] = ()) -> Worker:
        """Its branch is to come into another, has come into it, or is out of it again."""
        return self._replace(merge=merge, unchecked=unchecked)

    def merged_at(self, tip: str) -> bool:
        """Whether its branch, standing there, was merged, and that is no open question."""
        return self.merge is not None and not self.is_merge_open and self.merge.tip == tip

    @property
    def is_merge_open(self) -> bool:
        """Whether it has begun a merge that counts for nothing yet: it may not be in, or may have
        to be taken back.
        """
        return self.merge is not None and (not self.merge.done or bool(self.unchecked))

    def is_run_by(self, pid: str) -> bool:
        """Whether a launch script is its present one, not that of a session it had before."""
        # Until a launch is noted, the record holds the process of the session before.
        return (pid == self.process.partition("-")[0]) is self.launched

    def end(self, *, at: str, reason: str, exit_code: int | None = None) -> Worker:
        """Its agent process is gone."""
        code = self.exit_code if exit_code is None else exit_code
        ended = self._replace(exit_code=code, stop_due="")
        if self.finished:
            return ended
        if self.stop_requested:
            return ended._move(Status.STOPPED, at, "stopped by its orchestrator")
        return ended._move(Status.FAILED, at, reason)

    def adopt(self, owner: str, *, at: str, strayed: Collection[str] = ()) -> Worker:
        """It is this orchestrator's from now on; its letters are to follow from those that had it,
        and from where they have `strayed`.
        """
        known = {one.owner for one in self.formers}
        fresh = [one for one in sorted({self.owner, *strayed}) if one not in known]
        formers = (*self.formers, *(Former(one, at) for one in fresh))
        return self._replace(
            owner=owner, formers=tuple(one for one in formers if one.owner != owner)
        )

    def forwarded(self, done: Collection[Former]) -> Worker:
        """Nothing of it lies with these orchestrators any more."""
        return self._replace(formers=tuple(one for one in self.formers if one not in done))

    def reported(self) -> Worker:
        """Its last report is known to lie in the owner's mailbox."""
        if self.report is None or self.report.delivered:
            return self
        return self._replace(report=self.report._replace(delivered=True))

    def _move(self, status: Status, at: str, reason: str = "") -> Worker:
        return self._replace(status=status, changed_at=at, reason=reason)

    def _require_alive(self) -> None:
        # One that was taken for dead and reports is alive.
        if self.finished and not self.is_presumed_dead:
            raise WorkerFinished(self.id, self.status.value, self.reason)
