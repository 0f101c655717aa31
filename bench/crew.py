"""A build with a home, a repository and a tmux server of its own, its orchestrator's server, and
workers in whose terminals `session` stands: all of it reached from outside.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.builds import Build
from bench.client import Server

#: Variables of a session around the bench, which is none of it.
LEAKY = ("WORKER_MANAGER_", "CLAUDE", "ANTHROPIC_", "GIT_", "TMUX")
_SESSION = Path(__file__).with_name("session.py")
_SECONDS = 180.0
#: Of the workers.
TITLE = "measured"


class Worker(NamedTuple):
    """One that has checked in: what its session, its hooks and its server have for variables."""

    id: str
    path: str
    environ: Mapping[str, str]


class Crew:
    """What belongs to one session of a build."""

    def __init__(self, build: Build, folder: Path) -> None:
        self.build = build
        self.folder = folder
        self.repository = folder / "repository"
        self.socket = f"wm-bench-{uuid.uuid4().hex[:8]}"
        clean = {name: text for name, text in os.environ.items() if not name.startswith(LEAKY)}
        self.environ = {
            **clean,
            "HOME": str(folder),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "TMUX_TMPDIR": str(folder),
            "IS_SANDBOX": "1",
            "CLAUDE_CODE_SESSION_ID": str(uuid.uuid4()),
            "CLAUDE_CODE_ENTRYPOINT": "cli",
            "CLAUDE_PROJECT_DIR": str(self.repository),
            "WORKER_MANAGER_PYTHON": build.python,
            "WORKER_MANAGER_STATE_DIR": str(folder / "state"),
            "WORKER_MANAGER_TMUX_SOCKET": self.socket,
            "WORKER_MANAGER_MAX_WORKERS": "10000",
            "WORKER_MANAGER_ASK_WAIT_SECONDS": "0",
        }

    @property
    def shell(self) -> dict[str, str]:
        """The variables of a person's shell: there is no session around it."""
        return {name: text for name, text in self.environ.items() if not name.startswith("CLAUDE")}

    def orchestrator(self) -> Server:
        """Its server."""
        return Server([self.build.launcher], self.environ, self.repository)

    def worker(self, server: Server, *, use_worktree: bool = True) -> Worker:
        """Starts one by the orchestrator's server; it has checked in."""
        info = server.call("start_worker", title=TITLE, task="-", use_worktree=use_worktree)
        return self.checked_in(info)

    def checked_in(self, info: Mapping[str, object]) -> Worker:
        """Waits for a worker that was started."""
        path = self.folder / "workers" / f"{info['id']}.json"
        wait_until(path.exists)
        environ = json.loads(path.read_text("utf-8"))
        return Worker(str(info["id"]), str(info["path"]), environ)

    def server_of(self, worker: Worker, before: list[str] | None = None) -> Server:
        """The server of its session, as Claude Code starts it."""
        return Server([*(before or ()), self.build.launcher], worker.environ, worker.path)

    def tmux_pid(self) -> int:
        """That of its tmux server, below which the workers are."""
        command = ["tmux", "-L", self.socket, "display-message", "-p", "#{pid}"]
        done = subprocess.run(command, env=self.environ, check=True, capture_output=True)
        return int(done.stdout)

    def end(self) -> None:
        """Ends its workers, and waits until they have written their last words."""
        with suppress(subprocess.CalledProcessError):  # none was ever started
            left = psutil.Process(self.tmux_pid()).children(recursive=True)
            subprocess.run(["tmux", "-L", self.socket, "kill-server"], env=self.environ, check=True)
            psutil.wait_procs(left, timeout=_SECONDS)

    def statuses(self, server: Server) -> list[str]:
        """How its workers stand."""
        return [one["status"] for one in server.call("list_workers")["workers"]]

    def run(self, *arguments: str) -> list[str]:
        """The command line of a command of the program."""
        return [self.build.launcher, *arguments]


@contextmanager
def crew(build: Build, files: int = 20) -> Iterator[Crew]:
    """A crew without workers; gone afterwards."""
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="worker-manager-bench-")))
    made = Crew(build, folder)
    identity = "[user]\n name = Bench\n email = bench@example.invalid\n"
    (folder / ".gitconfig").write_text(identity, "utf-8")
    for name in ("bin", "workers"):
        (folder / name).mkdir()
    claude = folder / "bin" / "claude"
    claude.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {_SESSION} {folder} -- "$@"\n')
    claude.chmod(0o755)
    _fill(made, files)
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def git(made: Crew, *arguments: str, cwd: Path | str = "") -> None:
    """Runs git as the crew's person."""
    command = ["git", "-C", str(cwd or made.repository), *arguments]
    subprocess.run(command, env=made.environ, check=True, capture_output=True)


def commit(made: Crew, worker: Worker) -> None:
    """What a worker has to show before it completes."""
    Path(worker.path, f"{worker.id}.txt").write_text("done\n", "utf-8")
    git(made, "add", ".", cwd=worker.path)
    git(made, "commit", "-qm", "Done", cwd=worker.path)


def wait_until(is_so: Callable[[], bool], seconds: float = _SECONDS) -> None:
    """Raises RuntimeError when it isn't so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError("What the bench waits for did not happen.")
        time.sleep(0.01)


def _fill(made: Crew, files: int) -> None:
    made.repository.mkdir()
    git(made, "init", "-q", "-b", "main")
    for number in range(files):
        file = made.repository / f"{number // 100:03}" / f"{number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{number}\n" * 20, "utf-8")
    git(made, "add", ".")
    git(made, "commit", "-qm", "files")
