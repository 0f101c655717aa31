"""The whole job done once, here: a worker starts, asks, is answered, commits and reports.

The orchestrator is rehearsed; server, hooks, mail, git and tmux are the real ones.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from functools import partial
from pathlib import Path
from typing import NamedTuple

import anyio

from worker_manager.domain import message
from worker_manager.errors import InvalidInput
from worker_manager.installation import plugin
from worker_manager.rehearsal import leftovers
from worker_manager.rehearsal.session import RehearsalFailed, RehearsedSession, ToolResult

ANSWER = "Good morning"
SECONDS = {"scripted": 30.0, "claude": 300.0}
#: Claude Code checks in within a few seconds, unless a dialog waits.
CHECK_IN_SECONDS = 20.0

#: Where the text begins that stands below a line of the timeline.
_MARGIN = " " * 12

_STEPS: list[dict[str, object]] = [
    {"say": "I write a greeting, but which one?"},
    {"ask": "Which greeting?"},
    {"write": {"path": "greeting.txt", "text": "{answer}\n"}},
    {"commit": "Add the greeting"},
    {"complete": "greeting.txt says: {answer}"},
]
_TASKS = {
    "scripted": f"Play this script.\n\n```steps\n{json.dumps(_STEPS, indent=1)}\n```",
    "claude": (
        "First call the tool `ask` with the question: Which greeting? "
        "Then write its answer, and nothing else, as one line into the new file greeting.txt, "
        "commit that file with git, and call the tool `complete` with a summary of one sentence."
    ),
}


class _Worker(NamedTuple):
    id: str
    name: str
    branch: str


def main(agent: str, keep: bool, below: Path | None) -> int:
    """Runs the demo; the exit code is 1 when a step failed."""
    try:
        return anyio.run(partial(run_demo, agent, keep, below))
    except KeyboardInterrupt:
        return 130


async def run_demo(agent: str, keep: bool, below: Path | None) -> int:
    """The demo in a directory of its own, with its own state and tmux server."""
    where = below.resolve() if below else None
    if where and not where.is_dir():
        raise InvalidInput(f"--below {where}: there is no such directory. Make it first.")
    folder = Path(tempfile.mkdtemp(prefix="worker-manager-demo-", dir=where)).resolve()
    demo = _Demo(agent, folder)
    try:
        demo.make_repository()
        await demo.play()
        demo.tell("done: everything worked")
        return 0
    except* (RehearsalFailed, OSError) as group:
        demo.tell(f"the demo failed: {_first(group)}")
        demo.show_evidence()
    finally:
        if keep:
            demo.say_what_is_left()
        else:
            demo.clean_up()
    return 1


class _Demo:
    """What the steps share: where things are, the clock, the mail read so far."""

    def __init__(self, agent: str, folder: Path) -> None:
        self._agent = agent
        self._folder = folder
        self._repository = folder / "repository"
        self._socket = f"worker-manager-demo-{os.getpid()}"
        self._started = time.monotonic()
        self._unread = ""
        self._worker: _Worker | None = None
        self._environ = {
            **{name: text for name, text in os.environ.items() if not _is_private(name)},
            leftovers.STATE: str(folder / "state"),
            "WORKER_MANAGER_TMUX_SOCKET": self._socket,
            "WORKER_MANAGER_PYTHON": sys.executable,
        }
        self._session = RehearsedSession(
            plugin_root=Path(plugin.root()),
            cwd=self._repository,
            session_id=str(uuid.uuid4()),
            environ=self._environ,
        )

    def tell(self, text: str) -> None:
        """A line of the timeline."""
        print(f"{time.monotonic() - self._started:6.2f} s  {text}", flush=True)

    def make_repository(self) -> None:
        """One commit on branch main, by an identity that the worker's commits can use too."""
        self._repository.mkdir()
        self._git("init", "-q", "-b", "main")
        for key, value in (
            ("user.name", "worker-manager demo"),
            ("user.email", "demo@localhost"),
            ("commit.gpgsign", "false"),
        ):
            self._git("config", key, value)
        (self._repository / "README.md").write_text("A repository for the demo.\n", "utf-8")
        self._git("add", "README.md")
        self._git("commit", "-q", "-m", "First commit")
        self.tell(f"repository made: {self._repository}")

    async def play(self) -> None:
        """All steps in order; raises RehearsalFailed at the first that went wrong."""
        async with self._session:
            await self._start_session()
            worker = await self._start_worker()
            await self._mail_of(worker, message.QUESTION)
            sent = await self._call("nudge_worker", id=worker.id, message=ANSWER)
            self.tell(f"answered: {ANSWER}")
            print(_indented(sent.text), flush=True)
            await self._mail_of(worker, message.COMPLETION)
            await self._check_status(worker, "completed")
            self._check_work(worker)
            await self._call("stop_worker", id=worker.id, force=True)
            self.tell("worker stopped; its branch is still there")
            await self._session.end("prompt_input_exit")

    async def _start_session(self) -> None:
        try:
            with anyio.fail_after(SECONDS["scripted"]):
                self._unread += await self._session.start()
        except TimeoutError as error:
            raise RehearsalFailed("The orchestrator's session did not start in time.") from error
        if "start_worker" not in self._session.tools:
            raise RehearsalFailed(f"The server offers no start_worker: {self._session.tools}.")
        self.tell(f"orchestrator session started, {len(self._session.tools)} tools")

    async def _start_worker(self) -> _Worker:
        result = await self._call(
            "start_worker", title="demo greeting", task=_TASKS[self._agent], agent=self._agent
        )
        info = result.structured
        worker = self._worker = _Worker(info["id"], info["name"], info["branch"])
        self.tell(f"worker started: {worker.id} on branch {worker.branch}")
        self.tell("from another terminal it can be looked at:")
        self._tell_the_way_to(worker)
        return worker

    async def _mail_of(self, worker: _Worker, kind: str) -> None:
        """Waits by the doorbell until the worker's letter of that kind was read."""
        begun = time.monotonic()
        hinted = self._agent != "claude" or kind != message.QUESTION
        while not self._was_read(worker, kind):
            waited = time.monotonic() - begun
            if waited > SECONDS[self._agent]:
                raise RehearsalFailed(f"No {kind} of the worker came within {waited:.0f} s.")
            if not hinted and waited > CHECK_IN_SECONDS:
                hinted = True
                await self._hint(worker)
            self._unread += await self._session.wait_for_mail(1.0) or ""
        self.tell(f"{kind} arrived; Claude would read:")
        print(_indented(self._unread), flush=True)
        self._unread = ""

    def _was_read(self, worker: _Worker, kind: str) -> bool:
        for bad in (message.FAILED, message.STALLED):
            if f"[{bad} " in self._unread:
                raise RehearsalFailed(f"The worker has {bad}.\n{_indented(self._unread)}")
        return f"[{kind} " in self._unread and worker.id in self._unread

    async def _hint(self, worker: _Worker) -> None:
        """Claude Code may ask something at its first start, and only a person may answer."""
        if await self._status(worker) != "starting":
            return
        self.tell("The worker has not checked in yet; a first-run dialog may wait. Look at it:")
        self._tell_the_way_to(worker)

    async def _check_status(self, worker: _Worker, wanted: str) -> None:
        status = await self._status(worker)
        self.tell(f"list_workers says: {status}")
        if status != wanted:
            raise RehearsalFailed(f"The worker is {status}, not {wanted}.")

    async def _status(self, worker: _Worker) -> str:
        found = (await self._call("list_workers")).structured["workers"]
        states = {info["id"]: str(info["status"]) for info in found}
        if worker.id not in states:
            raise RehearsalFailed(f"list_workers does not know the worker {worker.id}.")
        return states[worker.id]

    def _check_work(self, worker: _Worker) -> None:
        self.tell("the work on its branch:")
        print(_indented(self._git("log", "--oneline", f"main..{worker.branch}")))
        print(_indented(self._git("diff", "--stat", f"main...{worker.branch}")), flush=True)
        text = self._git("show", f"{worker.branch}:greeting.txt")
        if text.strip() != ANSWER:
            raise RehearsalFailed(f"greeting.txt says {text!r}, not {ANSWER!r}.")

    async def _call(self, tool: str, **arguments: object) -> ToolResult:
        try:
            with anyio.fail_after(SECONDS["scripted"]):
                result = await self._session.call_tool(tool, **arguments)
        except TimeoutError as error:
            raise RehearsalFailed(f"{tool} did not answer in time.") from error
        if result.is_error:
            raise RehearsalFailed(f"{tool}: {result.text}")
        self._unread += result.mail
        return result

    def _tell_the_way_to(self, worker: _Worker) -> None:
        """At the begin of a line: it has to fit. Inside of tmux only without its variable."""
        inside = "TMUX= " if "TMUX" in os.environ else ""
        print(f"  {inside}tmux -L {self._socket} attach -t '={worker.name}'", flush=True)

    def show_evidence(self) -> None:
        """What a person needs to see why it failed."""
        if self._worker:
            screen = self._tmux("capture-pane", "-p", "-t", f"={self._worker.name}:")
            print(f"The worker's terminal:\n{_indented(screen)}")
        log = self._folder / "state" / "logs" / "hooks.log"
        if log.exists():
            print(f"The hooks' log:\n{_indented(log.read_text('utf-8'))}")
        for failure in self._session.failures:
            print(f"  {failure}")
        sys.stdout.flush()

    def say_what_is_left(self) -> None:
        """Names what `--keep` left, and how to remove it."""
        folder = shlex.quote(str(self._folder))
        print(f"Kept: {folder}\nRemove with: tmux -L {self._socket} kill-server; rm -rf {folder}")

    def clean_up(self) -> None:
        """Ends the demo's own tmux server and removes its directory."""
        self._tmux("kill-server")
        # tmux leaves its socket behind when it ends by itself.
        folder = os.environ.get("TMUX_TMPDIR") or "/tmp"  # noqa: S108  tmux's own rule
        sockets = Path(folder) / f"tmux-{os.getuid()}"
        (sockets / self._socket).unlink(missing_ok=True)
        # A worker's last words may come later than its terminal's end, and make directories.
        leftovers.wait_for_end(self._environ[leftovers.STATE])
        if not leftovers.remove(self._folder):
            print(f"Could not remove all of {self._folder}.")

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self._repository), *arguments]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=self._environ
        )
        if done.returncode:
            raise RehearsalFailed(f"git {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout

    def _tmux(self, *arguments: str) -> str:
        """The answer of the demo's tmux server; an empty text when there is none."""
        command = ["tmux", "-L", self._socket, *arguments]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout


def _is_private(name: str) -> bool:
    """Whether a variable would lead the demo to somebody's workers or repository."""
    return name.startswith(("WORKER_MANAGER_", "GIT_"))


def _indented(text: str) -> str:
    """Below a line of the timeline; on a terminal broken between words."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    lines = [part for line in text.rstrip().splitlines() for part in _broken(line, columns)]
    return "\n".join(f"{_MARGIN}{line}" for line in lines)


def _broken(line: str, columns: int) -> list[str]:
    room = max(20, columns - len(_MARGIN))
    if len(line) <= room:
        return [line]
    return textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
