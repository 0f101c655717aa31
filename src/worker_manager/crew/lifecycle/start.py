"""Starting workers, and going on with those whose session has ended: at once, or as soon as
there is room.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

from worker_manager.agents import agent_named
from worker_manager.config import Settings
from worker_manager.crew.integration import clean
from worker_manager.crew.lifecycle import capacity, environment
from worker_manager.crew.lifecycle.launch import RESTORED, TASK, Launcher, has_conversation
from worker_manager.crew.lifecycle.queue import queue
from worker_manager.crew.lifecycle.request import Begun, Place, Started, Wanted
from worker_manager.crew.presence import fail_vanished
from worker_manager.crew.reporting import reports
from worker_manager.domain import conditions, identifiers
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import (
    InvalidInput,
    RuntimeUnavailable,
    StateCorrupt,
    WorkerManagerError,
    WorkerNotFound,
)
from worker_manager.runtimes.base import Presence, Runtime
from worker_manager.state import bells, journal, process_identity, sessions
from worker_manager.state.files import disk_errors, write_atomic
from worker_manager.state.layout import WORKERS, orchestrator_home, transcript_of
from worker_manager.state.locking import exclusive
from worker_manager.state.workers import launches
from worker_manager.state.workers.records import Records, now
from worker_manager.worktrees import bases

#: A start holds the lock for as long as tmux takes to answer one question; with hundreds of
#: variables, for a launch.
LOCK_SECONDS = 30
ENDING_SECONDS = 15


class _IdTaken(InvalidInput):
    """There is a worker with this id by now."""


class _Changed(InvalidInput):
    """Somebody else has started or stopped the worker meanwhile."""


class Starts:
    """Starts workers of a project, with its settings."""

    def __init__(self, launcher: Launcher, project: str, settings: Settings) -> None:
        self._launcher = launcher
        self._runtime = launcher.runtime
        self._project = project
        self._settings = settings
        self._machine = capacity.Machine(launcher.root, launcher.runtime)

    def start(self, records: Records, owner: str, wanted: Wanted) -> Started:
        """Launches or queues a worker, or leaves nothing behind; with the key of one that is there,
        gives that one, and begins it again where its start was cut off. Raises a
        WorkerManagerError: InvalidInput when the key goes with other arguments.
        """
        while wanted.key:
            with suppress(_IdTaken, _Changed):  # somebody else was faster: what has become of it?
                if (known := self.known(records, owner, wanted)) is None:
                    return self._start_new(records, owner, wanted)
                if not _is_to_begin_again(known, records.home(known.id)):
                    return Started(known, None)
                return Started(self.restore(records, known), None)
        return self._start_new(records, owner, wanted)

    def known(self, records: Records, owner: str, wanted: Wanted) -> Worker | None:
        """The worker that the request's key stands for, after a look whether a start of it was cut
        off; None without one. Raises InvalidInput when it is another request's, RuntimeUnavailable
        when it is not known whether it is there.
        """
        worker_id = identifiers.worker_id_of(identifiers.checked_key(wanted.key))
        home = records.home(worker_id)
        if not os.path.lexists(home):
            return None
        try:
            worker = records.get(worker_id)
        except WorkerNotFound as error:
            if not os.path.lexists(home):
                return None  # taken back just now
            raise StateCorrupt(
                f"The key {wanted.key!r} is that of worker {worker_id}, whose record is gone. Look "
                f"at {home}, then move it somewhere else, or give another key."
            ) from error
        _require_same(worker, owner, wanted)
        return self._looked_at(records, worker)

    def _looked_at(self, records: Records, worker: Worker) -> Worker:
        """A worker after a look whether it is there. The terminal of a start that was cut off
        goes away in a moment.
        """
        deadline = time.monotonic() + ENDING_SECONDS
        while True:
            fail_vanished(records, [worker], self._runtime)
            worker = records.get(worker.id)
            if not _is_cut_off(worker, records.home(worker.id)):
                return worker
            if time.monotonic() > deadline:
                raise RuntimeUnavailable(
                    f"The start of worker {worker.id} was cut off, and tmux does not say that its "
                    "terminal is gone. Try again."
                )
            time.sleep(0.05)

    def _start_new(self, records: Records, owner: str, wanted: Wanted) -> Started:
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
            undo.callback(records.remove, worker.id)
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
            return self._launch(records, restored)
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
                self._launch(records, worker)
            except (WorkerManagerError, OSError) as error:
                reason = f"it could not be started: {error}"
                reports.ended(records, worker.id, exit_code=None, screen="", reason=reason)

    def _new_worker(self, owner: str, title: str, wanted: Wanted) -> Worker:
        key = wanted.key
        worker_id = identifiers.worker_id_of(key) if key else identifiers.new_worker_id()
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
            key=key,
            arguments=wanted.digest if key else "",
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
            _require_free(self._launcher.root, records, worker)
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
                raise _Changed(f"Worker {worker.id} was changed just now. Call list_workers.")
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

    def _launch(self, records: Records, worker: Worker) -> Worker:
        """A worker that has waited, or whose session has ended."""
        # The launch script is written last: without one, nothing has run in its worktree.
        if worker.has_run or os.path.lexists(launches.script_path(records.home(worker.id))):
            return self._launch_again(records, worker)
        return self._launch_first(records, worker)

    def _launch_first(self, records: Records, worker: Worker) -> Worker:
        """One that has waited, or whose start was cut off."""
        with ExitStack() as undo:
            worker, ground = self._on_fresh_base(records, worker)
            with self._opening(records, worker) as opened:
                self._make_ready(records, worker, ground, undo)
                worker = self._launched(records, worker, opened(), "started")
            undo.pop_all()
        return worker

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
        environment.clear(records, worker, ground)
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


def _require_same(worker: Worker, owner: str, wanted: Wanted) -> None:
    """Raises InvalidInput when a worker is not the one that this key of this owner's stands for."""
    if worker.key != wanted.key:
        found = f"has the id of worker {worker.id}, which was started without it"
    elif worker.owner != owner:
        found = f"is that of worker {worker.id}, which belongs to another session"
    elif worker.arguments != wanted.digest:
        found = f"is that of worker {worker.id}, which was started with other arguments"
    else:
        return
    raise InvalidInput(f"The key {wanted.key!r} {found}. Give another key for another worker.")


def _require_free(root: str, records: Records, worker: Worker) -> None:
    """Raises InvalidInput when there is a worker with this id in any repository: a terminal's name
    is made of it. Nobody else starts one meanwhile.
    """
    with disk_errors(root):
        homes = [os.path.join(root, name, WORKERS, worker.id) for name in os.listdir(root)]
    taken = [home for home in homes if os.path.lexists(home)]
    if records.home(worker.id) in taken:
        raise _IdTaken(f"There is a worker {worker.id} already. Try again.")
    if taken:
        way_out = f"Give another key than {worker.key!r}." if worker.key else "Try again."
        raise InvalidInput(
            f"There is a worker {worker.id} of another repository ({taken[0]}). {way_out}"
        )


def _is_cut_off(worker: Worker, home: str) -> bool:
    """Whether whoever started it has died before anything could run: its terminal goes away."""
    is_begun = worker.status is Status.STARTING and not worker.launched
    has_script = os.path.lexists(launches.script_path(home))
    return is_begun and not has_script and not launches.is_under_way(worker)


def _is_to_begin_again(worker: Worker, home: str) -> bool:
    """Whether it has failed without a session that checked in."""
    return worker.has_failed_to_start and not transcript_of(home)


def _queued(worker: Worker, place: Place | None) -> Started:
    if place is None:
        return Started(worker, None)
    try:
        return Started(worker, place.seen(environment.outlook(place.ground).standing))
    except WorkerManagerError as error:
        return Started(worker, place, [str(error)])  # it is queued all the same


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
