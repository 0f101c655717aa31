"""A home, a state directory, a repository and a tmux server of the bench's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from worker_manager.config import Settings
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.launch import plugin_root
from worker_manager.domain import identifiers
from worker_manager.domain.worker import Status, Worker
from worker_manager.runtimes.tmux.runtime import Tmux
from worker_manager.state import orchestrators, process_identity
from worker_manager.state.layout import state_root
from worker_manager.state.mail import receipts
from worker_manager.state.workers.records import now

_LEAKY = ("WORKER_MANAGER_", "CLAUDE", "ANTHROPIC_", "GIT_", "TMUX")

_USAGE = {"input_tokens": 9, "output_tokens": 9}
_SAID = {"id": "m", "model": "m", "usage": _USAGE, "content": [{"type": "text", "text": "Hm."}]}
_TRANSCRIPT = json.dumps({"type": "assistant", "message": _SAID}) + "\n"


class Stage(NamedTuple):
    """Where everything is, and the environment of a session that has an orchestrator there."""

    folder: Path
    repository: Path
    socket: str
    session_id: str
    environ: dict[str, str]

    @property
    def runtime(self) -> Tmux:
        """Its own tmux server."""
        return Tmux(self.socket)

    @property
    def head(self) -> str:
        """What is committed in the repository."""
        command = ["git", "-C", str(self.repository), "rev-parse", "HEAD"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def fleet(self) -> Fleet:
        """The fleet of that session; its workers play scripts."""
        root = self.environ["WORKER_MANAGER_STATE_DIR"]
        home = orchestrators.open_home(root, self.session_id, str(self.repository))
        return Fleet(
            root=root,
            home=lambda: home,
            project=str(self.repository),
            plugin_root=plugin_root(),
            settings=Settings(agent="scripted", tmux_socket=self.socket, max_workers=10_000),
            runtime=self.runtime,
        )


@contextmanager
def stage(files: int = 20) -> Iterator[Stage]:
    """A repository with so many files, and all that belongs to it; gone afterwards."""
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="worker-manager-bench-")))
    kept = dict(os.environ)
    for name in [one for one in os.environ if one.startswith(_LEAKY)]:
        del os.environ[name]
    os.environ |= {
        "HOME": str(folder),
        "TMUX_TMPDIR": str(folder),  # its sockets go with it
        "WORKER_MANAGER_STATE_DIR": str(folder / "state"),
    }
    identity = "[user]\n name = Bench\n email = bench@example.invalid\n"
    (folder / ".gitconfig").write_text(identity, "utf-8")
    repository, socket = (
        _repository(folder / "repository", files),
        f"wm-bench-{identifiers.random_hex(4)}",
    )
    session_id = str(uuid.uuid4())
    home = orchestrators.open_home(state_root(), session_id, str(repository))
    Path(home, "python").write_text(f"{sys.executable}\n", "utf-8")
    environ = {**os.environ, "CLAUDE_CODE_SESSION_ID": session_id}
    try:
        yield Stage(folder, repository, socket, session_id, environ)
    finally:
        subprocess.run(["tmux", "-L", socket, "kill-server"], capture_output=True, check=False)
        os.environ.clear()
        os.environ |= kept
        shutil.rmtree(folder, ignore_errors=True)


def _repository(path: Path, files: int) -> Path:
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    for number in range(files):
        file = path / f"{number // 100:03}" / f"{number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{number}\n" * 20, "utf-8")
    subprocess.run(["git", "-C", str(path), "add", "."], check=True)
    subprocess.run(["git", "-C", str(path), "commit", "-qm", "files"], check=True)
    return path


def add_worker(fleet: Fleet, world: Stage) -> Worker:
    """A worker at work: its record, its branch and folder, its transcript, its terminal."""
    worker_id = identifiers.new_worker_id()
    name = identifiers.worker_name("t", worker_id)
    path = world.repository / "trees" / name  # a worktree in all but name: those take git long
    path.mkdir(parents=True)
    git = ["git", "-C", str(world.repository), "branch", identifiers.branch_name(name)]
    subprocess.run(git, check=True)
    tmux = ["tmux", "-L", world.socket, "-f", os.devnull, "new-session", "-d", "-s", name]
    tmux += ["-P", "-F", "#{pane_pid}", "sleep", "1000"]
    pid = int(subprocess.run(tmux, check=True, capture_output=True).stdout)
    worker = Worker(
        id=worker_id,
        name=name,
        title="t",
        owner=fleet.owner,
        created_at=now(),
        changed_at=now(),
        project=str(world.repository),
        path=str(path),
        branch=identifiers.branch_name(name),
        base_branch="main",
        base_sha=world.head,
        agent="scripted",
        session_id=str(uuid.uuid4()),
        handle=world.runtime.handle_for(name),
        mark=identifiers.new_mark(),
        launched=True,
        process=process_identity.identity(pid),
        status=Status.RUNNING,
    )
    fleet.records.create(worker)
    home = fleet.records.home(worker_id)
    Path(home, "transcript.jsonl").write_text(_TRANSCRIPT, "utf-8")
    receipts.note_transcript(home, str(Path(home, "transcript.jsonl")))
    return worker
