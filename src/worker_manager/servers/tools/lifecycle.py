"""Tools that start, stop and take over workers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import Started, StartRequest
from worker_manager.domain.worker import Status, Worker
from worker_manager.servers.call import Call
from worker_manager.servers.toolbox import About, Result, Toolbox
from worker_manager.servers.tools.worker_info import WorkerId, WorkerInfo, info_from, line_of
from worker_manager.state import sessions
from worker_manager.text.rendering import for_models
from worker_manager.views import announcements
from worker_manager.views.facts import Facts, facts_of

_NO_HOOKS = (
    "NOTHING WILL WAKE YOU: no hook of worker-manager has run in this session. Tell your user to "
    "look for disableAllHooks or allowManagedHooksOnly in Claude Code's settings (`worker-manager "
    "doctor` names the file). Meanwhile call wait_for_workers, or read_mail now and then."
)


class StoppedInfo(Result, WorkerInfo):
    """A worker that was just stopped, asked to stop or restored; the git ref under which its
    uncommitted work was saved.
    """

    saved: str


class StartedInfo(Result, WorkerInfo):
    """A worker that was just started."""

    behind_upstream: int
    uncommitted_in_checkout: int
    notes: list[str]


class Adopted(Result):
    """Workers that are this session's from now on."""

    workers: list[WorkerInfo]


def add(toolbox: Toolbox, fleet: Fleet) -> None:
    """Declares them."""

    @toolbox.tool("Start worker", destructive=False)
    def start_worker(
        _: Call,
        title: Annotated[str, About("a few words")],
        task: Annotated[str, About("all a stranger needs to do it")],
        use_worktree: Annotated[bool, About("false: work in this directory")] = True,
        base_branch: Annotated[str | None, About("branch, tag or sha")] = None,
        agent: Annotated[str | None, About("a name that `worker-manager agents` shows")] = None,
        model: str | None = None,
        permission_mode: str | None = None,
        budget_tokens: Annotated[int | None, About("then it is asked to stop")] = None,
        checks: Annotated[
            list[str] | None, About("shell commands that must pass before it completes")
        ] = None,
        allowed_paths: Annotated[
            list[str] | None, About("other changes are named in its report")
        ] = None,
    ) -> StartedInfo:
        """Start an autonomous worker on a task. Answers at once; its report comes by itself."""
        wanted = StartRequest(
            title,
            task,
            use_worktree=use_worktree,
            base_branch=base_branch,
            agent=agent,
            model=model,
            permission_mode=permission_mode,
            budget_tokens=budget_tokens,
            checks=checks or (),
            allowed_paths=allowed_paths or (),
        )
        return _started(fleet, fleet.start(wanted))

    @toolbox.tool("Stop worker", destructive=True)
    def stop_worker(
        _: Call,
        id: WorkerId,
        force: Annotated[bool, About("now, without asking it first")] = False,
    ) -> StoppedInfo:
        """End a worker's session; it may finish its thought first. Branch and files stay."""
        worker = fleet.stop(id) if force else fleet.ask_to_stop(id)
        facts = facts_of(fleet, worker)
        return _stopped(worker, facts, announcements.stopped(worker, for_models))

    @toolbox.tool("Restore worker", destructive=False)
    def restore_worker(_: Call, id: WorkerId, message: str = "") -> StoppedInfo:
        """Go on with the conversation of a worker whose session has ended."""
        worker = fleet.restore(id, message)
        facts = facts_of(fleet, worker)
        return _stopped(worker, facts, announcements.restored(worker, facts.reason))

    @toolbox.tool("Adopt workers", destructive=False)
    def adopt_workers(
        _: Call,
        ids: Annotated[list[str] | None, About("default: all whose session is gone")] = None,
        force: Annotated[bool, About("from a session that runs; ask your user")] = False,
    ) -> Adopted:
        """Take over workers of this repository whose session is gone, with their mail."""
        adopted = [facts_of(fleet, worker) for worker in fleet.adopt(ids or (), force=force)]
        return Adopted(text=_adopted_text(adopted), workers=[info_from(one) for one in adopted])


def _stopped(worker: Worker, facts: Facts, text: str) -> StoppedInfo:
    return {**info_from(facts), "text": text, "saved": worker.saved}


def _started(fleet: Fleet, started: Started) -> StartedInfo:
    facts = facts_of(fleet, started.worker)
    return {
        **info_from(facts),
        "text": _started_text(fleet, started, facts),
        "behind_upstream": started.place.base.behind if started.place else 0,
        "uncommitted_in_checkout": started.place.uncommitted if started.place else 0,
        "notes": [for_models(note) for note in started.notes],
    }


def _started_text(fleet: Fleet, started: Started, facts: Facts) -> str:
    lines = announcements.started(started, facts.reason, for_models)
    if started.worker.status is not Status.QUEUED:
        lines.append(f"A person looks at it with: {facts.attach}")
    # Of a server, unlike of a hook, the parent is claude itself.
    is_deaf = sessions.has_no_hooks(fleet.home, os.getppid())
    lines.append(_NO_HOOKS if is_deaf else "Its question or report will reach you by itself.")
    return "\n".join(lines)


def _adopted_text(adopted: Sequence[Facts]) -> str:
    return "\n".join(
        ["Yours now:", *map(line_of, adopted)] if adopted else ["There was none to adopt."]
    )
