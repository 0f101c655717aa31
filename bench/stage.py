"""A home, a state directory, a repository and a tmux server of the bench's own."""

from __future__ import annotations

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
from worker_manager.fleet import Fleet, plugin_root
from worker_manager.runtimes.tmux import Tmux
from worker_manager.state import orchestrators
from worker_manager.state.layout import state_root

_LEAKY = ("WORKER_MANAGER_", "CLAUDE", "ANTHROPIC_", "GIT_", "TMUX")


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
        home = orchestrators.open_home(state_root(), self.session_id, str(self.repository))
        return Fleet(
            root=state_root(),
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
    os.environ |= {"HOME": str(folder), "WORKER_MANAGER_STATE_DIR": str(folder / "state")}
    identity = "[user]\n name = Bench\n email = bench@example.invalid\n"
    (folder / ".gitconfig").write_text(identity, "utf-8")
    repository, socket = _repository(folder / "repository", files), f"wm-bench-{os.getpid()}"
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
