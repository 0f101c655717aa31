"""What an orchestrator can do: start, list, nudge and stop workers, read their mail.

Callable without MCP. Everything that reads the records first makes them agree with the world.
"""

from __future__ import annotations

import os
import shlex
import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from worker_manager import (
    adoption,
    cleaning,
    dialogs,
    formatting,
    merges,
    messages,
    naming,
    stops,
)
from worker_manager.agents import agent_named
from worker_manager.agents.base import Assignment, LaunchSpec
from worker_manager.agents.usage import Meter, Usage
from worker_manager.config import Settings
from worker_manager.errors import (
    InvalidInput,
    RuntimeUnavailable,
    WorkerFinished,
    WorkerManagerError,
    WorkerNotFound,
)
from worker_manager.messages import Message
from worker_manager.models import Activity, Status, Worker
from worker_manager.radar import Radar
from worker_manager.reconcile import end_the_gone, reconcile, tell_idle
from worker_manager.runtimes.base import Presence, Runtime
from worker_manager.state import (
    activities,
    journal,
    launches,
    processes,
    questions,
    receipts,
    requests,
    sessions,
)
from worker_manager.state.files import remove_tree
from worker_manager.state.layout import mailbox_path, repository_of
from worker_manager.state.locking import exclusive
from worker_manager.state.mailbox import Claim, Mailbox
from worker_manager.state.records import Records, now
from worker_manager.worktrees import bases, evidence, trees


class Wanted(NamedTuple):
    """What start_worker was asked for; None means the setting."""

    title: str
    task: str
    use_worktree: bool = True
    base_branch: str | None = None
    agent: str | None = None
    model: str | None = None
    permission_mode: str | None = None


class Place(NamedTuple):
    """Where a worktree is to be made, from which commit; how many files of the checkout have
    changes that it won't have.
    """

    checkout: Path
    base: bases.Base
    uncommitted: int


class Started(NamedTuple):
    """A worker that was launched, and the place it was given; None: the project itself."""

    worker: Worker
    place: Place | None


class Fleet:
    """The workers of one orchestrator. `home` is asked at each use: after /clear or /resume
    the same server may speak for another session.
    """

    def __init__(
        self,
        *,
        root: str,
        home: Callable[[], str],
        project: str,
        plugin_root: str,
        settings: Settings,
        runtime: Runtime,
    ) -> None:
        self._root = root
        self._home = home
        self._project = project
        self._plugin_root = plugin_root
        self._settings = settings
        self._runtime = runtime
        self._meter = Meter()
        self._radar = Radar()

    @property
    def home(self) -> str:
        """This orchestrator's directory."""
        return self._home()

    @property
    def owner(self) -> str:
        """This orchestrator's id."""
        return os.path.basename(self.home)

    @property
    def mailbox(self) -> Mailbox:
        """This orchestrator's mailbox."""
        return Mailbox(mailbox_path(self.home))

    @property
    def records(self) -> Records:
        """The records of this orchestrator's repository."""
        return Records(repository_of(self.home))

    def start(self, wanted: Wanted) -> Started:
        """Launches a worker, or leaves nothing behind.

        Raises a WorkerManagerError that says what is wrong and what to do next.
        """
        title = naming.checked_title(wanted.title)
        task = naming.checked_text(wanted.task, "task")
        worker = self._new_worker(title, wanted)
        agent_named(worker.agent)  # raises when there is none of that name
        self._runtime.check()
        worker, place = self._place(worker, wanted)
        spec = self._launch_spec(worker)
        home = self.records.home(worker.id)
        with ExitStack() as undo:
            # The record comes first: should we be killed, it tells what was begun.
            self.records.create(worker)
            undo.callback(remove_tree, home)
            if place is not None:
                self._make_worktree(worker, place, undo)
            sessions.link(self._root, worker.session_id, home)
            undo.callback(sessions.unlink, self._root, worker.session_id)
            undo.callback(_quietly_end, self._runtime, worker.handle)
            prompt = f"Task from your orchestrator: {title}\n\n{task}\n"
            process = self._launch(worker, spec, "task.md", prompt)
            self.records.update(worker.id, lambda current: current.launch(process))
            undo.pop_all()
        journal.note(home, "started", agent=worker.agent, base=worker.base_sha)
        return Started(worker, place)

    def restore(self, worker_id: str, text: str = "") -> Worker:
        """Goes on with a worker's conversation in a new session, where it was. Raises
        InvalidInput when it has one.
        """
        worker = self.worker(worker_id)
        self._require_ended(worker)
        self._runtime.check()
        worker = cleaning.bring_back(self.records, worker)
        self._runtime.end(worker.handle)  # the terminal that shows how it ended
        sessions.link(self._root, worker.session_id, self.records.home(worker.id))
        prompt = f"Your orchestrator has restored your session. {text or 'Go on.'}\n"
        spec = self._launch_spec(worker, is_restored=True)
        starter = processes.identity(os.getpid())
        self.records.update(worker.id, lambda one: one.restore(starter, at=now()))
        try:
            process = self._launch(worker, spec, "restored.md", prompt)
        except WorkerManagerError:
            self.records.update(worker.id, lambda _: worker)
            raise
        _, after = self.records.update(worker.id, lambda one: one.launch(process))
        journal.note(self.records.home(worker.id), "restored")
        return after

    def workers(self) -> list[Worker]:
        """This orchestrator's workers, oldest first, after a look at the world."""
        self.reconcile()
        return self._own()

    def worker(self, worker_id: str) -> Worker:
        """One of this orchestrator's workers; raises WorkerNotFound."""
        worker = self.records.get(worker_id)
        if worker.owner != self.owner:
            raise WorkerNotFound(worker_id)
        return worker

    def look_at(self, worker_id: str) -> Worker:
        """One of this orchestrator's workers, after a look whether it is still there."""
        end_the_gone(self.records, [self.worker(worker_id)], self._runtime)
        return self.worker(worker_id)

    def screen(self, worker: Worker) -> str:
        """What its terminal shows, or showed last; empty when that isn't known."""
        return self._runtime.screen(worker.handle) or launches.read_pane(
            self.records.home(worker.id)
        )

    def nudge(self, worker_id: str, text: str) -> tuple[Worker, Message]:
        """Puts a message into the worker's mailbox; an asking worker gets it as its answer.

        Gives the worker as it was. Raises WorkerFinished when nobody would read it.
        """
        body = naming.checked_text(text, "message")
        worker = self.look_at(worker_id)  # it may have asked while tmux was answering
        if worker.status in (Status.FAILED, Status.STOPPED):
            raise WorkerFinished(worker_id, worker.status.value, worker.reason)
        if worker.status is Status.COMPLETED:
            self._require_session(worker)
        question = self._question_of(worker)
        if question and requests.is_open(self.records.home(worker_id), question):
            return worker, self._decide(worker, body, request_id=question)
        message = Message(
            id=naming.new_message_id(),
            type=messages.ANSWER if question else messages.NUDGE,
            sender=self.owner,
            name="orchestrator",
            sent=now(),
            body=body,
            reply_to=question,
        )
        # Delivered first: killed in between, the worker has its answer all the same.
        self._mailbox_of(worker_id).deliver(message)
        # Only from where it stood: it may have asked or completed since.
        self.records.update(
            worker_id,
            lambda current: (
                current.resume(at=now()) if current.report == worker.report else current
            ),
        )
        return worker, message

    def fate(self, worker_id: str, message_id: str) -> str:
        """As `receipts.fate`, of a message to a worker."""
        return receipts.fate(self.records.home(worker_id), message_id)

    def answer(
        self, worker_id: str, decision: str, *, reason: str = "", request_id: str = ""
    ) -> tuple[Worker, Message]:
        """Answers a dialog at a worker's terminal: a permission, or an AskUserQuestion.

        Gives the worker as it was. Raises WorkerFinished when it has ended, InvalidInput when
        the dialog is not open, or the answer does not fit.
        """
        worker = self.worker(worker_id)
        end_the_gone(self.records, [worker], self._runtime)
        worker = self.worker(worker_id)
        if worker.status in (Status.FAILED, Status.STOPPED):
            raise WorkerFinished(worker_id, worker.status.value, worker.reason)
        return worker, self._decide(worker, decision, reason=reason, request_id=request_id)

    def _question_of(self, worker: Worker) -> str:
        """The id of the question that a message would answer. A dialog that was opened beside
        an `ask` has taken its place in the record, not in the call that waits.
        """
        if worker.status is Status.BLOCKED:
            return questions.waiting(self.records.home(worker.id))
        asked = worker.report if worker.status is Status.ASKING else None
        return asked.message_id if asked else ""

    def _decide(
        self, worker: Worker, decision: str, *, reason: str = "", request_id: str = ""
    ) -> Message:
        attach = shlex.join(self.attach_command(worker))
        return dialogs.decide(
            self.records, worker, decision, reason=reason, request_id=request_id, attach=attach
        )

    def stop(self, worker_id: str) -> Worker:
        """Ends the worker's session now; its worktree, branch and files stay, and what no commit
        holds is saved.
        """
        return stops.end(self.records, self._runtime, self.worker(worker_id).id)

    def ask_to_stop(self, worker_id: str) -> Worker:
        """As `stop`, but a worker that can finish its thought may do so first, or refuse."""
        worker = self.worker(worker_id)
        if not stops.can_be_asked(worker):
            return self.stop(worker_id)
        return stops.ask_to_stop(self.records, worker, self._settings.stop_grace_seconds)

    def stop_unfinished(self) -> list[str]:
        """Stops every unfinished worker of this orchestrator; gives their ids."""
        stopped = []
        for worker in self.workers():
            if not worker.finished:
                with suppress(WorkerManagerError):
                    stopped.append(self.stop(worker.id).id)
        return stopped

    def merge(self, worker_id: str, wish: merges.Wish) -> merges.Merged:
        """As `merges.merge`, of one of this orchestrator's workers."""
        return merges.merge(self.records, self.look_at(worker_id), wish)

    def clean(self, order: cleaning.Order) -> list[cleaning.Outcome]:
        """As `cleaning.clean`, of this orchestrator's workers. Raises WorkerNotFound."""
        for worker_id in order.ids:
            self.worker(worker_id)
        return cleaning.clean(self.records, self._runtime, self.workers(), order)

    def orphans(self) -> list[Worker]:
        """As `adoption.orphans`, of this repository."""
        return adoption.orphans(self._root, self.records, self.owner)

    def adopt(self, worker_ids: Sequence[str] = (), *, force: bool = False) -> list[Worker]:
        """As `adoption.adopt`, for this orchestrator."""
        return adoption.adopt(self._root, self.records, self.home, worker_ids, force=force)

    def claim_mail(self, *, most: int) -> Claim | None:
        """Takes waiting messages, after a look at the world; the caller acknowledges them once
        they were shown.
        """
        self.reconcile()
        return self.claim_waiting(most=most)

    def claim_waiting(self, *, most: int) -> Claim | None:
        """As `claim_mail`, at once."""
        return self.mailbox.claim(most=most, room=formatting.RESULT_LIMIT, cost=formatting.cost)

    def history(self, *, most: int) -> list[tuple[Message, str]]:
        """The messages that were shown last, and where each lies."""
        return self.mailbox.history(most)

    def activity(self, worker: Worker) -> Activity | None:
        """What its session does at this moment, or None."""
        home = self.records.home(worker.id)
        return None if worker.finished else activities.activity(self._root, home)

    def usage(self, worker: Worker) -> Usage | None:
        """What it has used of its model; None when nobody knows."""
        return self._meter.usage(receipts.transcript_of(self.records.home(worker.id)))

    def attach_command(self, worker: Worker) -> list[str]:
        """How a person looks at the worker's terminal."""
        return self._runtime.attach_command(worker.handle)

    def reconcile(self) -> None:
        """Makes this orchestrator's records agree with the world; safe at any time."""
        reconcile(self.records, self.owner, self._runtime)
        dialogs.repair(self.records, self.owner)
        merges.settle_all(self.records, self._own())

    def watch(self) -> None:
        """Notices what fires no hook and ends no process, in a few milliseconds."""
        settings = self._settings
        own = self._own()
        end_the_gone(self.records, own, self._runtime)
        tell_idle(self._root, self.records, own, settings.idle_seconds)
        stops.end_the_due(self.records, self._runtime, own)
        stops.close_the_done(self.records, self._runtime, own, settings.close_after_seconds)
        self._radar.look(self.records, own)

    def _own(self) -> list[Worker]:
        return [one for one in self.records.all() if one.owner == self.owner]

    def tidy(self) -> None:
        """Removes what is too old to be of use: no work, only mail shown long ago and drafts."""
        self.records.prune()
        self.mailbox.prune()

    def _new_worker(self, title: str, wanted: Wanted) -> Worker:
        worker_id = naming.new_worker_id()
        name = naming.worker_name(title, worker_id)
        stamp = now()
        return Worker(
            id=worker_id,
            name=name,
            title=title,
            owner=self.owner,
            created_at=stamp,
            changed_at=stamp,
            project=self._project,
            path=os.path.realpath(self._project),
            agent=wanted.agent or self._settings.agent,
            session_id=str(uuid.uuid4()),
            handle=self._runtime.handle_for(name),
            starter=processes.identity(os.getpid()),
            mark=naming.new_mark(),
            permission_mode=wanted.permission_mode or self._settings.permission_mode,
            model=wanted.model or self._settings.model,
        )

    def _place(self, worker: Worker, wanted: Wanted) -> tuple[Worker, Place | None]:
        """Where it will work: a worktree and branch of its own, or the project's directory."""
        if not wanted.use_worktree:
            if wanted.base_branch:
                raise InvalidInput("base_branch goes with use_worktree=true only. Leave it out.")
            return worker, None
        checkout = bases.main_checkout(self._project)
        base = bases.resolve_base(self._project, wanted.base_branch)
        placed = replace(
            worker,
            path=str(checkout / self._settings.worktree_directory / worker.name),
            branch=naming.branch_name(worker.name),
            base_branch=base.name,
            base_sha=base.sha,
        )
        return placed, Place(checkout, base, evidence.uncommitted(self._project))

    def _make_worktree(self, worker: Worker, place: Place, undo: ExitStack) -> None:
        path = Path(worker.path)
        # git itself fails when two make a worktree at the same moment.
        with exclusive(os.path.join(self.records.repository, "git.lock"), timeout_seconds=120):
            trees.create(place.checkout, path, worker.branch, place.base.sha)
        undo.callback(trees.remove_unused, place.checkout, path, worker.branch, place.base.sha)

    def _require_session(self, worker: Worker) -> None:
        gone = self._runtime.probe([worker.handle])[worker.handle] is Presence.GONE
        if worker.closed or gone:
            raise InvalidInput(
                f"Worker {worker.id} is completed and its session has ended. "
                "restore_worker goes on with its conversation."
            )

    def _require_ended(self, worker: Worker) -> None:
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

    def _launch_spec(self, worker: Worker, *, is_restored: bool = False) -> LaunchSpec:
        """Raises InvalidInput or AgentNotInstalled."""
        assignment = Assignment(
            worker_id=worker.id,
            name=worker.name,
            title=worker.title,
            home=self.records.home(worker.id),
            path=worker.path,
            branch=worker.branch,
            session_id=worker.session_id,
            mark=worker.mark,
            plugin_root=self._plugin_root,
            permission_mode=worker.permission_mode,
            model=worker.model,
            is_restored=is_restored,
        )
        return agent_named(worker.agent).launch_spec(assignment)

    def _launch(self, worker: Worker, spec: LaunchSpec, name: str, prompt: str) -> str:
        """Starts its agent; gives the identity of the launch script's process. `name` is that of
        the file that holds the prompt.
        """
        home = self.records.home(worker.id)
        for file, text in spec.files.items():
            launches.write_file(home, file, text)
        ours = [sys.executable, "-I", "-m", "worker_manager"]
        script = launches.write_script(
            home,
            cwd=worker.path,
            argv=spec.argv,
            prompt_word=launches.write_prompt(home, name, prompt),
            environment={
                "WORKER_MANAGER_WORKER_ID": worker.id,
                "WORKER_MANAGER_STATE_DIR": self._root,
                "WORKER_MANAGER_PYTHON": sys.executable,
            },
            on_exit=[*ours, "--exited", worker.id],
            on_silence=[*ours, "--not-checked-in", worker.id],
        )
        return processes.identity(
            self._runtime.launch(worker.handle, ["sh", script], cwd=worker.path)
        )

    def _mailbox_of(self, worker_id: str) -> Mailbox:
        return Mailbox(mailbox_path(self.records.home(worker_id)))


def plugin_root() -> str:
    """The plugin's folder: what Claude Code says, else the checkout this package lies in."""
    named = os.environ.get("CLAUDE_PLUGIN_ROOT")
    return os.path.realpath(named) if named else str(Path(__file__).resolve().parents[2])


def _quietly_end(runtime: Runtime, handle: str) -> None:
    with suppress(WorkerManagerError):
        runtime.end(handle)
