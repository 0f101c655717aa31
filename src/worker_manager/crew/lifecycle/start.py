"""Starting workers, and going on with those whose session has ended: at once, or as soon as
there is room.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress

from worker_manager.config import Settings
from worker_manager.crew.integration import clean
from worker_manager.crew.lifecycle import choice, environment, equipment, key
from worker_manager.crew.lifecycle.admission import Admission, Changed, IdTaken, run_of
from worker_manager.crew.lifecycle.launch import TASK, Launcher, has_conversation
from worker_manager.crew.lifecycle.request import Place, Started, StartRequest
from worker_manager.crew.lifecycle.restore import prompt_to_go_on, require_ended, wait_for_end
from worker_manager.crew.reporting import reports
from worker_manager.domain import conditions, identifiers
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import (
    InvalidInput,
    Text,
    WorkerManagerError,
    option,
)
from worker_manager.runtimes.base import Runtime
from worker_manager.state import bells, journal, process_identity, sessions
from worker_manager.state.files import write_atomic
from worker_manager.state.layout import orchestrator_home
from worker_manager.state.workers import launches
from worker_manager.state.workers.records import Records, now
from worker_manager.worktrees import bases


class Starts:
    """Starts workers of a project, with its settings."""

    def __init__(self, launcher: Launcher, project: str, settings: Settings) -> None:
        self._launcher = launcher
        self._runtime = launcher.runtime
        self._project = project
        self._settings = settings
        self._admission = Admission(launcher, settings)

    def start(self, records: Records, owner: str, request: StartRequest) -> Started:
        """Launches or queues a worker, or leaves nothing behind; with the key of one that is there,
        gives that one, and begins it again where its start was cut off. Raises a
        WorkerManagerError: InvalidInput when the key goes with other arguments.
        """
        while request.key:
            with suppress(IdTaken, Changed):  # somebody else was faster: what has become of it?
                if (known := self.known(records, owner, request)) is None:
                    return self._start_new(records, owner, request)
                if not key.is_to_begin_again(known, records.home(known.id)):
                    return Started(known, None)
                return Started(self.restore(records, known), None)
        return self._start_new(records, owner, request)

    def known(self, records: Records, owner: str, request: StartRequest) -> Worker | None:
        """The worker that the request's key stands for, as `key.find` gives it."""
        return key.find(records, self._runtime, owner, request)

    def _start_new(self, records: Records, owner: str, request: StartRequest) -> Started:
        title = identifiers.checked_title(request.title)
        task = identifiers.checked_text(request.task, "task")
        chosen = choice.choose(self._settings, request.agent or self._settings.agent)
        choice.require_leave(self._settings, records.repository, chosen.program)
        worker = self._new_worker(owner, title, request, chosen)
        home = records.home(worker.id)
        told = conditions.as_told(worker.checks, worker.allowed_paths)
        told += choice.opinions_told(self._settings)
        files = {TASK: f"Task from your orchestrator: {title}\n\n{task}\n{told}"}
        files |= equipment.as_files(chosen.equipment)
        worker, place = self._place(worker, request)
        self._launcher.spec(worker, home, chosen.equipment)  # raises when it can't be run
        files |= environment.guard(
            worker,
            place.checkout if place else None,
            self._settings,
            is_read_only=chosen.equipment.read_only,
        )
        with ExitStack() as undo, ExitStack() as terminal:
            worker, begun = self._admission.admit(records, worker, files, terminal)
            if begun is None:  # and in another thread it may be at its start by now
                return _queued(worker, place)
            undo.callback(records.remove, worker.id)
            checkout = place.checkout if place else None
            made = self._make_ready(records, worker, checkout, undo, begun.wait_for_disk)
            worker = self._launched(records, worker, begun.opened(), "started")
            undo.pop_all()
        if place is None or made is None:
            return Started(worker, None)
        return Started(worker, place.seen(made.standing), made.notes)

    def restore(self, records: Records, worker: Worker, text: str = "") -> Worker:
        """Goes on with a worker's conversation in a new session, where it was. Raises
        InvalidInput when it has one.
        """
        choice.require_leave(self._settings, records.repository, worker.agent)
        require_ended(worker, self._runtime)
        wait_for_end(self._launcher.root, worker, records.home(worker.id))
        self._launcher.spec(worker, records.home(worker.id))  # raises when it can't be run
        prompt = prompt_to_go_on(worker, records.home(worker.id), text)
        restored = self._admission.admit_again(records, worker, prompt)
        if restored.status is Status.QUEUED:
            return restored
        try:
            return self._launch(records, restored)
        except WorkerManagerError:
            records.update(
                worker.id,
                lambda one: one.roll_back_to(worker) if run_of(one) == run_of(restored) else one,
            )
            raise

    def start_queued(self, records: Records, owner: str) -> None:
        """Launches those that wait, as long as there is room. One that can't be launched has
        failed.
        """
        while (worker := self._admission.next_queued(records, owner)) is not None:
            try:
                self._launch(records, worker)
            except (WorkerManagerError, OSError) as error:
                reason = f"it could not be started: {error}"
                reports.ended(records, worker.id, exit_code=None, screen="", reason=reason)

    def _new_worker(
        self, owner: str, title: str, request: StartRequest, chosen: choice.Choice
    ) -> Worker:
        settings, agent = self._settings, chosen.agent
        # A model's name means something to its own program alone.
        is_default = chosen.program == choice.default_program(settings)
        budget = settings.budget_tokens if agent.budget_tokens is None else agent.budget_tokens
        given = request.key
        worker_id = identifiers.worker_id_of(given) if given else identifiers.new_worker_id()
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
            agent=chosen.program,
            agent_name=chosen.name,
            session_id=identifiers.new_session_id(),
            handle=self._runtime.handle_for(name),
            starter=process_identity.identity(os.getpid()),
            mark=identifiers.new_mark(),
            permission_mode=(
                request.permission_mode or agent.permission_mode or settings.permission_mode
            ),
            model=request.model or agent.model or (settings.model if is_default else ""),
            budget_tokens=_budget(request.budget_tokens, budget),
            checks=conditions.checked_checks([*dict.fromkeys((*agent.checks, *request.checks))]),
            allowed_paths=conditions.checked_paths(request.allowed_paths),
            key=given,
            arguments=request.digest if given else "",
        )

    def _place(self, worker: Worker, request: StartRequest) -> tuple[Worker, Place | None]:
        """Where it will work: a worktree and branch of its own, or the project's directory."""
        if not request.use_worktree:
            if request.base_branch:
                raise InvalidInput(_of_worktrees("base_branch"))
            if request.allowed_paths:
                raise InvalidInput(_of_worktrees("allowed_paths"))
            return worker, None
        prefix = self._settings.worktree_branch_prefix
        checkout, prefix = bases.inspect_checkout_for(self._project, prefix)
        base = bases.resolve_base(checkout, request.base_branch)
        placed = worker._replace(
            path=str(checkout.main / self._settings.worktree_directory / worker.name),
            branch=identifiers.branch_name(worker.name, prefix),
            base_branch=base.name,
            base_sha=base.sha,
        )
        return placed, Place(checkout, base)

    def _launch(self, records: Records, worker: Worker) -> Worker:
        """A worker that has waited, or whose session has ended."""
        choice.require_leave(self._settings, records.repository, worker.agent)
        # The launch script is written last: without one, nothing has run in its worktree.
        has_script = os.path.lexists(launches.script_path(records.home(worker.id)))
        if worker.has_run or (has_script and not clean.is_gone(worker)):
            return self._launch_again(records, worker)
        return self._launch_first(records, worker)

    def _launch_first(self, records: Records, worker: Worker) -> Worker:
        """One that has waited, or whose start was cut off."""
        with ExitStack() as undo:
            worker, checkout = self._on_fresh_base(records, worker)
            with self._launcher.opening(worker, records.home(worker.id)) as opened:
                self._make_ready(records, worker, checkout, undo)
                worker = self._launched(records, worker, opened(), "started")
            undo.pop_all()
        return worker

    def _make_ready(
        self,
        records: Records,
        worker: Worker,
        checkout: bases.Checkout | None,
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
        if checkout is None:
            settle()
        else:
            made = environment.make(records, worker, checkout, self._settings, undo, settle)
        self._launcher.prepare(worker, home, made.setup if made else ())
        return made

    def _launch_again(self, records: Records, worker: Worker) -> Worker:
        home, setup = records.home(worker.id), list[str]()
        is_gone = clean.is_gone(worker)
        if is_gone:
            clean.bring_back(records, worker.id)
        if is_gone and worker.branch:
            checkout = bases.inspect_checkout(worker.project)
            self._note_guard(worker, home, checkout)
            environment.make_again(worker, home, checkout, self._settings)
        if worker.branch and (is_gone or not has_conversation(worker, home)):
            setup = environment.setup_command(home, self._settings)  # it may have failed
        self._runtime.end(worker.handle)  # the terminal that shows how it ended
        sessions.link(self._launcher.root, worker.session_id, home)
        with self._launcher.opening(worker, records.home(worker.id)) as opened:
            self._launcher.prepare(worker, home, setup)
            return self._launched(records, worker, opened(), "restored")

    def _launched(self, records: Records, worker: Worker, process: str, event: str) -> Worker:
        """Notes the process of its launch script."""
        home = records.home(worker.id)
        launches.note_process(home, process)
        journal.note(home, event, agent=worker.agent, base=worker.base_sha)
        bells.notify(orchestrator_home(records.repository, worker.owner))
        launched = records.load(worker.id)
        if launched.stop_requested and not launched.stop_due:  # while it was being started
            _quietly_end(self._runtime, worker.handle)
        return launched

    def _note_guard(self, worker: Worker, home: str, checkout: bases.Checkout) -> None:
        is_read_only = equipment.in_home(home).read_only
        files = environment.guard(worker, checkout, self._settings, is_read_only=is_read_only)
        for name, text in files.items():
            write_atomic(os.path.join(home, name), text.encode())

    def _on_fresh_base(
        self, records: Records, worker: Worker
    ) -> tuple[Worker, bases.Checkout | None]:
        """A worker that has waited, on its base branch as it is now; and where it goes."""
        if not worker.branch:
            return worker, None
        checkout = bases.inspect_checkout(worker.project)
        environment.clear(records, worker, checkout)
        with suppress(InvalidInput):  # the branch is gone: the commit it named serves
            sha = bases.resolve_base(checkout, worker.base_branch).sha
            _, worker = records.update(worker.id, lambda one: one._replace(base_sha=sha))
        self._note_guard(worker, records.home(worker.id), checkout)
        return worker, checkout


def _queued(worker: Worker, place: Place | None) -> Started:
    if place is None:
        return Started(worker, None)
    try:
        return Started(worker, place.seen(environment.checkout_state(place.checkout).standing))
    except WorkerManagerError as error:
        return Started(worker, place, [error.text])  # it is queued all the same


def _of_worktrees(name: str) -> Text:
    where = option("use_worktree", True)
    return Text(option(name), " goes with ", where, " only. Leave it out.")


def _budget(wanted: int | None, setting: int) -> int:
    if wanted is not None and wanted < 0:
        given = f" is {wanted}. Give a number of tokens, or 0 for any."
        raise InvalidInput(Text(option("budget_tokens"), given))
    return setting if wanted is None else wanted


def _quietly_end(runtime: Runtime, handle: str) -> None:
    with suppress(WorkerManagerError):
        runtime.end(handle)
