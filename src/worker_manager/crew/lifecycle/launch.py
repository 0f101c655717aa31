"""Launching a worker's agent in its terminal, which may open before all is ready."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import NamedTuple

from worker_manager.agents import HOST, agent_named
from worker_manager.agents.base import Assignment, Equipment, LaunchSpec
from worker_manager.crew.lifecycle import equipment
from worker_manager.domain import identifiers
from worker_manager.domain.worker import Worker
from worker_manager.installation import plugin
from worker_manager.runtimes.base import Runtime
from worker_manager.state import process_identity
from worker_manager.state.files import disk_errors
from worker_manager.state.layout import transcript_of
from worker_manager.state.workers import launches
from worker_manager.worktrees import alterations, committing

TASK, RESTORED = "task.md", "restored.md"


class Launcher(NamedTuple):
    """Where agents run, the state directory and the plugin's folder that they are told of."""

    runtime: Runtime
    root: str
    plugin_root: str

    def spec(
        self,
        worker: Worker,
        home: str,
        given: Equipment | None = None,
        is_altered: Callable[[str], bool] | None = None,
    ) -> LaunchSpec:
        """How its agent is run; one that has a conversation goes on with it. What it is `given`
        lies in its home once there is one. `is_altered` is known of what it has changed itself.
        Raises InvalidInput or AgentNotInstalled.
        """
        assignment = Assignment(
            worker_id=worker.id,
            name=worker.name,
            title=worker.title,
            home=home,
            path=worker.path,
            branch=worker.branch,
            session_id=worker.session_id,
            mark=worker.mark,
            plugin_root=self.plugin_root,
            permission_mode=worker.permission_mode,
            model=worker.model,
            is_restored=worker.has_run and has_conversation(worker, home),
            equipment=equipment.in_home(home) if given is None else given,
            transcript=transcript_of(home),
            git_directories=committing.directories(worker.path) if worker.branch else (),
            is_altered=is_altered or partial(_is_altered, worker),
        )
        return agent_named(worker.agent).launch_spec(assignment)

    def prepare(self, worker: Worker, home: str, setup: Sequence[str] = ()) -> None:
        """Writes its launch script, which runs the setup, then its agent with the prompt that lies
        in its home. Raises a WorkerManagerError.
        """
        spec = self.spec(worker, home)
        for name, text in spec.files.items():
            launches.write_file(home, name, text)
        file = RESTORED if worker.has_run else TASK
        agent = agent_named(worker.agent)
        ours = [sys.executable, "-I", "-m", "worker_manager"]
        launches.write_script(
            home,
            cwd=worker.path,
            argv=spec.argv,
            prompt=agent.first_prompt(os.path.join(home, file)),
            unset=dict.fromkeys((*agent_named(HOST).session_variables, *agent.session_variables)),
            environment={
                **spec.environment,
                "WORKER_MANAGER_WORKER_ID": worker.id,
                "WORKER_MANAGER_STATE_DIR": self.root,
                "WORKER_MANAGER_PYTHON": sys.executable,
            },
            on_exit=[*ours, "--exited", worker.id],
            on_silence=[*ours, "--not-checked-in", worker.id],
            before=setup,
        )

    @contextmanager
    def opening(self, worker: Worker, home: str) -> Iterator[Callable[[], str]]:
        """Opens its terminal, in which the launch script begins at the end; what this gives waits
        for the terminal, and gives the identity of its process, which may have ended by then.
        The launch script of an earlier run goes away before, and that of one that fails. Raises
        RuntimeUnavailable.
        """
        script = launches.script_path(home)
        with disk_errors(home):
            launches.forget(home, launches.SCRIPT)
        with self.runtime.opening(worker.handle, script, cwd=worker.path) as opened:
            try:
                yield lambda: process_identity.identity_of_ours(opened())
            except BaseException:
                with suppress(OSError):
                    launches.forget(home, launches.SCRIPT)  # whatever the runtime answers now
                raise


def _is_altered(worker: Worker, name: str) -> bool:
    """Whether it may have changed what lies there in its worktree."""
    return (
        worker.has_run
        and bool(worker.branch)
        and alterations.are_in(worker.path, name, worker.project, worker.base_sha)
    )


def has_conversation(worker: Worker, home: str) -> bool:
    """Whether a worker that has run has something to go on with."""
    return agent_named(worker.agent).has_conversation(transcript_of(home))


def plugin_root() -> str:
    """The plugin's folder: what Claude Code says, else where it lies with this package."""
    named = os.environ.get("CLAUDE_PLUGIN_ROOT")
    return os.path.realpath(named) if named else plugin.root()


def attach_line(worker: Worker) -> str:
    """What a person types to look at its terminal: the same outside of tmux, inside of it, and in
    our own. By its path where a shell may not find it.
    """
    return shlex.join([_program(), "attach", worker.id])


@cache
def _program() -> str:
    name = identifiers.PROGRAM
    return name if shutil.which(name) else os.path.join(plugin_root(), "bin", name)
