"""Starting workers, and going on with those whose session has ended: at once, or as soon as
there is room.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import NamedTuple

from worker_manager.agents import agent_named
from worker_manager.config import Settings
from worker_manager.crew.integration import clean
from worker_manager.crew.lifecycle import capacity, environment
from worker_manager.crew.lifecycle.launch import RESTORED, TASK, Launcher, has_conversation
from worker_manager.crew.reporting import reports
from worker_manager.domain import conditions, identifiers
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, RuntimeUnavailable, WorkerManagerError
from worker_manager.runtimes.base import Presence, Runtime
from worker_manager.state import bells, journal, process_identity, sessions
from worker_manager.state.files import disk_errors, remove_tree, write_atomic
from worker_manager.state.layout import orchestrator_home
from worker_manager.state.locking import exclusive
from worker_manager.state.workers import launches
from worker_manager.state.workers.records import Records, now
from worker_manager.worktrees import bases
from worker_manager.worktrees.evidence import Standing

#: A start holds the lock for as long as tmux takes to answer one question; with hundreds of
#: variables, for a launch.
LOCK_SECONDS = 30
ENDING_SECONDS = 15


class Wanted(NamedTuple):
    """What start_worker was asked for; None means the setting."""

    title: str
    task: str
    use_worktree: bool = True
    base_branch: str | None = None
    agent: str | None = None
    model: str | None = None
    permission_mode: str | None = None
    budget_tokens: int | None = None
    checks: Sequence[str] = ()
    allowed_paths: Sequence[str] = ()


class Place(NamedTuple):
    """Where a worktree is to be made, and from which commit. `uncommitted` counts the files of the
    checkout whose changes it won't have.
    """

    ground: bases.Ground
    base: bases.Base
    uncommitted: int = 0

    def seen(self, standing: Standing) -> Place:
        """With what is known once it was looked how the checkout stands."""
        base = bases.compared(self.base, standing)
        return self._replace(base=base, uncommitted=len(standing.changes))


class Started(NamedTuple):
    """A worker that was launched or queued, and its place; None: the project itself. `notes` tell
    what that place has beyond its commit, and what it lacks.
    """

    worker: Worker
    place: Place | None
    notes: Sequence[str] = ()


class Begun(NamedTuple):
    """A start for which there is room: what waits for its terminal and gives its process, what
    waits until its record is on the disk.
    """

    opened: Callable[[], str]
    wait_for_disk: Callable[[], None]


class Starts:
    """Starts workers of a project, with its settings."""

    def __init__(self, launcher: Launcher, project: str, settings: Settings) -> None:
        self._launcher = launcher
        self._runtime = launcher.runtime
        self._project = project
        self._settings = settings
        self._machine = capacity.Machine(launcher.root, launcher.runtime)

    def start(self, records: Records, owner: str, wanted: Wanted) -> Started:
        """Launches or queues a worker, or leaves nothing behind. Raises a WorkerManagerError."""
        title = identifiers.checked_title(wanted.title)
        task = identifiers.checked_text(wanted.task, "task")
        worker = self._new_worker(owner, title, wanted)
        agent_named(worker.agent)  # raises when there is none of that name
        home = records.home(worker.id)
        told = conditions.as_told(worker.checks, worker.allowed_paths)
        files = {TASK: f"Task from your orchestrator: {title}\n\n{task}\n{told}"}
        worker, place = self._place(worker, wanted)
        self._launcher.spec(worker, home)  # raises when it can't be run
        if place is not None:
            files |= environment.guard(worker, place.ground, self._settings)
        with ExitStack() as undo, ExitStack() as terminal:
            worker, begun = self._admit(records, worker, files, terminal)
            if begun is None:  # and in another thread it may be at its start by now
                return _queued(worker, place)
            undo.callback(remove_tree, home)
            ground = place.ground if place else None
            made = self._make_ready(records, worker, ground, undo, begun.wait_for_disk)
            worker = self._launched(records, worker, begun.opened(), "started")
            undo.pop_all()
        if place is None or made is None:
            return Started(worker, None)
        return Started(worker, place.seen(made.standing), made.notes)

    def restore(self, records: Records, worker: Worker, text: str = "") -> Worker:
        """Goes on with a worker's conversation in a new session, where it was. Raises
        InvalidInput when it has one.
        """
        self._require_ended(worker)
        self._wait_for_end(worker, records.home(worker.id))
        self._launcher.spec(worker, records.home(worker.id))  # raises when it can't be run
        prompt = _prompt_to_go_on(worker, records.home(worker.id), text)
        restored = self._admit_again(records, worker, prompt)
        if restored.status is Status.QUEUED:
            return restored
        try:
            return self._launch_again(records, restored)
        except WorkerManagerError:
            records.update(
                worker.id,
                lambda one: one.stand_as(worker) if _run_of(one) == _run_of(restored) else one,
            )
            raise

    def start_queued(self, records: Records, owner: str) -> None:
        """Launches those that wait, as long as there is room. One that can't be launched has
        failed.
        """
        while (worker := self._next(records, owner)) is not None:
            try:
                if worker.has_run:
                    self._launch_again(records, worker)
                else:
                    self._launch_first(records, worker)
            except (WorkerManagerError, OSError) as error:
                reason = f"it could not be started: {error}"
                reports.ended(records, worker.id, exit_code=None, screen="", reason=reason)

    def _new_worker(self, owner: str, title: str, wanted: Wanted) -> Worker:
        worker_id = identifiers.new_worker_id()
        name = identifiers.worker_name(title, worker_id)
        stamp = now()
        return Worker(
            id=worker_id,
            name=name,
            title=title,
            owner=owner,
            created_at=stamp,
            changed_at=stamp,
            project=self._project,
            path=os.path.realpath(self._project),
            agent=wanted.agent or self._settings.agent,
            session_id=str(uuid.uuid4()),
            handle=self._runtime.handle_for(name),
            starter=process_identity.identity(os.getpid()),
            mark=identifiers.new_mark(),
            permission_mode=wanted.permission_mode or self._settings.permission_mode,
            model=wanted.model or self._settings.model,
            budget_tokens=_budget(wanted.budget_tokens, self._settings.budget_tokens),
            checks=conditions.checked_checks(wanted.checks),
            allowed_paths=conditions.checked_paths(wanted.allowed_paths),
        )

    def _place(self, worker: Worker, wanted: Wanted) -> tuple[Worker, Place | None]:
        """Where it will work: a worktree and branch of its own, or the project's directory."""
        if not wanted.use_worktree:
            if wanted.base_branch:
                raise InvalidInput("base_branch goes with use_worktree=true only. Leave it out.")
            if wanted.allowed_paths:
                raise InvalidInput("allowed_paths goes with use_worktree=true only. Leave it out.")
            return worker, None
        prefix = self._settings.worktree_branch_prefix
        ground, prefix = bases.survey_for(self._project, prefix)
        base = bases.resolve_base(ground, wanted.base_branch)
        placed = replace(
            worker,
            path=str(ground.checkout / self._settings.worktree_directory / worker.name),
            branch=identifiers.branch_name(worker.name, prefix),
            base_branch=base.name,
            base_sha=base.sha,
        )
        return placed, Place(ground, base)

    def _admit(
        self, records: Records, worker: Worker, files: Mapping[str, str], terminal: ExitStack
    ) -> tuple[Worker, Begun | None]:
        """Makes its record and files, `starting`, and opens its terminal until the end of
        `terminal`; or without one, `queued`, when there is no room.
        """
        with self._counting(records) as why_full:
            waits_for = why_full or (
                "others wait before it" if queue(records, worker.owner) else ""
            )
            if waits_for:
                worker = replace(worker, status=Status.QUEUED, reason=waits_for)
                records.create(worker, files)()
                return worker, None
            # What takes longest begins first. If we are killed before the record is there, the
            # terminal goes away by itself; after that the record tells what was begun.
            opened = terminal.enter_context(self._opening(records, worker))
            return worker, Begun(opened, records.create(worker, files))

    def _admit_again(self, records: Records, worker: Worker, prompt: str) -> Worker:
        starter = process_identity.identity(os.getpid())
        with self._counting(records) as waits_for:
            if _run_of(records.get(worker.id)) != _run_of(worker):
                raise InvalidInput(f"Worker {worker.id} was changed just now. Call list_workers.")
            write_atomic(os.path.join(records.home(worker.id), RESTORED), prompt.encode())
            _, restored = records.update(
                worker.id, lambda one: one.restore(starter, at=now(), waits_for=waits_for)
            )
        return restored

    @contextmanager
    def _counting(self, records: Records) -> Iterator[str]:
        """Nobody else starts anything meanwhile; gives what a start must wait for, or nothing."""
        root = self._launcher.root
        with exclusive(os.path.join(root, "starts.lock"), timeout_seconds=LOCK_SECONDS):
            yield self._machine.why_full(self._settings.max_workers, records)

    def _next(self, records: Records, owner: str) -> Worker | None:
        """The first that waits, when there is room; from now on it is ours to launch."""
        if not queue(records, owner):
            return None  # the usual case, without the lock
        with self._counting(records) as waits_for:
            waiting = queue(records, owner)
            if waits_for or not waiting:
                return None
            starter = process_identity.identity(os.getpid())
            before, worker = records.update(
                waiting[0].id, lambda one: one.leave_queue(starter, at=now())
            )
        return worker if before.status is Status.QUEUED else None

    def _launch_first(self, records: Records, worker: Worker) -> None:
        """A worker that has waited."""
        with ExitStack() as undo:
            worker, ground = self._on_fresh_base(records, worker)
            with self._opening(records, worker) as opened:
                self._make_ready(records, worker, ground, undo)
                self._launched(records, worker, opened(), "started")
            undo.pop_all()

    @contextmanager
    def _opening(self, records: Records, worker: Worker) -> Iterator[Callable[[], str]]:
        """As `Launcher.opening`, without the launch script of an earlier run, and of one that
        fails.
        """
        home = records.home(worker.id)
        with disk_errors(home):
            launches.forget(home, launches.SCRIPT)
        with self._launcher.opening(worker, home) as opened:
            try:
                yield opened
            except BaseException:
                with suppress(OSError):
                    launches.forget(home, launches.SCRIPT)  # whatever the runtime answers now
                raise

    def _make_ready(
        self,
        records: Records,
        worker: Worker,
        ground: bases.Ground | None,
        undo: ExitStack,
        wait_for_disk: Callable[[], None] = lambda: None,
    ) -> environment.Made | None:
        """Makes all that a new worker needs, its launch script last. `undo` takes it back. Gives
        its worktree, if it has one.
        """
        root, home = self._launcher.root, records.home(worker.id)

        def settle() -> None:
            wait_for_disk()
            sessions.link(root, worker.session_id, home)
            undo.callback(sessions.unlink, root, worker.session_id)

        made = None
        if ground is None:
            settle()
        else:
            made = environment.make(records, worker, ground, self._settings, undo, settle)
        self._launcher.prepare(worker, home, made.setup if made else ())
        return made

    def _launch_again(self, records: Records, worker: Worker) -> Worker:
        home, setup = records.home(worker.id), list[str]()
        is_gone = clean.is_gone(worker)
        if is_gone:
            clean.bring_back(records, worker.id)
        if is_gone and worker.branch:
            ground = bases.survey(worker.project)
            self._note_guard(worker, home, ground)
            environment.make_again(worker, home, ground, self._settings)
        if worker.branch and (is_gone or not has_conversation(worker, home)):
            setup = environment.setup_command(home, self._settings)  # it may have failed
        self._runtime.end(worker.handle)  # the terminal that shows how it ended
        sessions.link(self._launcher.root, worker.session_id, home)
        with self._opening(records, worker) as opened:
            self._launcher.prepare(worker, home, setup)
            return self._launched(records, worker, opened(), "restored")

    def _launched(self, records: Records, worker: Worker, process: str, event: str) -> Worker:
        """Notes the process of its launch script."""
        home = records.home(worker.id)
        launches.note_process(home, process)
        journal.note(home, event, agent=worker.agent, base=worker.base_sha)
        bells.ring(orchestrator_home(records.repository, worker.owner))
        launched = records.get(worker.id)
        if launched.stop_requested and not launched.stop_due:  # while it was being started
            _quietly_end(self._runtime, worker.handle)
        return launched

    def _note_guard(self, worker: Worker, home: str, ground: bases.Ground) -> None:
        for name, text in environment.guard(worker, ground, self._settings).items():
            write_atomic(os.path.join(home, name), text.encode())

    def _on_fresh_base(
        self, records: Records, worker: Worker
    ) -> tuple[Worker, bases.Ground | None]:
        """A worker that has waited, on its base branch as it is now; and where it goes."""
        if not worker.branch:
            return worker, None
        ground = bases.survey(worker.project)
        with suppress(InvalidInput):  # the branch is gone: the commit it named serves
            sha = bases.resolve_base(ground, worker.base_branch).sha
            _, worker = records.update(worker.id, lambda one: replace(one, base_sha=sha))
        self._note_guard(worker, records.home(worker.id), ground)
        return worker, ground

    def _wait_for_end(self, worker: Worker, home: str) -> None:
        """Its former session ends a second or two after its terminal; two with one conversation
        would both write to it, and both report.
        """
        deadline = time.monotonic() + ENDING_SECONDS
        while sessions.attending(self._launcher.root, home):
            if time.monotonic() > deadline:
                raise InvalidInput(
                    f"The former session of worker {worker.id} has not ended yet. Try again in a "
                    "moment."
                )
            time.sleep(0.05)

    def _require_ended(self, worker: Worker) -> None:
        if worker.status is Status.QUEUED:
            raise InvalidInput(
                f"Worker {worker.id} is queued ({worker.reason}); it starts by itself."
            )
        presence = self._runtime.probe([worker.handle])[worker.handle]
        if presence is Presence.UNKNOWN:
            raise RuntimeUnavailable(
                f"tmux does not say whether worker {worker.id} has a session. Try again."
            )
        if presence is Presence.ALIVE:
            raise InvalidInput(
                f"Worker {worker.id} has a session. Speak to it with nudge_worker, or end it with "
                "stop_worker first."
            )


def _queued(worker: Worker, place: Place | None) -> Started:
    if place is None:
        return Started(worker, None)
    try:
        return Started(worker, place.seen(environment.outlook(place.ground).standing))
    except WorkerManagerError as error:
        return Started(worker, place, [str(error)])  # it is queued all the same


def queue(records: Records, owner: str) -> list[Worker]:
    """An orchestrator's workers that wait for room, the next one first."""
    return queue_among(records.all(), owner)


def queue_among(workers: Sequence[Worker], owner: str) -> list[Worker]:
    """The same, of records that were read."""
    waiting = [one for one in workers if one.owner == owner and one.status is Status.QUEUED]
    return sorted(waiting, key=lambda one: one.changed_at)


def place_in(line: Sequence[Worker], worker: Worker) -> str:
    """`2 of 3`; empty when it does not wait."""
    ids = [one.id for one in line]
    return f"{ids.index(worker.id) + 1} of {len(ids)}" if worker.id in ids else ""


def _prompt_to_go_on(worker: Worker, home: str, text: str) -> str:
    prompt = f"Your orchestrator has restored your session. {text or 'Go on.'}\n"
    if has_conversation(worker, home):
        return prompt
    return f"{launches.read_text(home, TASK)}\n{prompt}"


def _budget(wanted: int | None, setting: int) -> int:
    if wanted is not None and wanted < 0:
        raise InvalidInput(f"budget_tokens is {wanted}. Give a number of tokens, or 0 for any.")
    return setting if wanted is None else wanted


def _run_of(worker: Worker) -> tuple[str, str, Status]:
    """What changes with each start."""
    return worker.process, worker.starter, worker.status


def _quietly_end(runtime: Runtime, handle: str) -> None:
    with suppress(WorkerManagerError):
        runtime.end(handle)
