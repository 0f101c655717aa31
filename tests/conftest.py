"""Guards first: no test sees the person's own state, settings, tmux server or git identity."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from worker_manager.config import Settings
from worker_manager.crew.fleet import Fleet
from worker_manager.runtimes.tmux.runtime import Tmux
from worker_manager.state import orchestrators
from worker_manager.state.layout import state_root

# A shell that runs the tests in the background lets them, and all they start, ignore ^C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No example fails because the machine is busy.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("busy")

CHECKOUT = Path(__file__).resolve().parents[1]
_LEAKY = ("WORKER_MANAGER_", "CLAUDE", "ANTHROPIC_", "GIT_", "TMUX")


@pytest.fixture(autouse=True)
def guarded_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home, a state directory and a tmux directory of the test's own."""
    for name in list(os.environ):
        if name.startswith(_LEAKY):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    identity = (
        "[user]\n name = Test\n email = test@example.invalid\n[init]\n defaultBranch = main\n"
    )
    (home / ".gitconfig").write_text(identity, "utf-8")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("WORKER_MANAGER_STATE_DIR", str(tmp_path / "state"))


def git(directory: Path, *arguments: str) -> str:
    """Runs git for a test; its output."""
    done = subprocess.run(
        ["git", *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def make_repository(path: Path) -> Path:
    """A repository with one commit."""
    path.mkdir(parents=True)
    git(path, "init", "-q")
    (path / "README").write_text("hello\n", "utf-8")
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "first")
    return path


@pytest.fixture
def anyio_backend() -> str:
    """The only one that is used."""
    return "asyncio"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    return make_repository(tmp_path / "repo")


@pytest.fixture
def tmux_socket(tmp_path: Path) -> Iterator[str]:
    """The name of a tmux server of the test's own, ended and removed afterwards."""
    name = f"wm-test-{os.getpid()}-{abs(hash(str(tmp_path))) % 10**8}"
    yield name
    end_tmux(name)


@pytest.fixture
def person_socket(tmux_socket: str) -> Iterator[str]:
    """The tmux server of a person who looks at workers."""
    yield f"{tmux_socket}-person"
    end_tmux(f"{tmux_socket}-person")


def end_tmux(name: str) -> None:
    """Ends a tmux server and removes its socket."""
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)
    Path(f"/tmp/tmux-{os.getuid()}/{name}").unlink(missing_ok=True)


def make_fleet(project: Path, socket: str, session: str = "session-1", **settings: object) -> Fleet:
    """The fleet of one Claude session in a project."""
    root = state_root()
    home = orchestrators.open_home(root, session, str(project))
    # What the machine has to spare is no matter of a test.
    chosen = Settings(
        **{"agent": "scripted", "tmux_socket": socket, "max_workers": 100, **settings}
    )  # type: ignore[arg-type]  # checked by the dataclass's users
    return Fleet(
        root=root,
        home=lambda: home,
        project=str(project),
        plugin_root=str(CHECKOUT),
        settings=chosen,
        runtime=Tmux(socket),
    )


@pytest.fixture
def fleet(repository: Path, tmux_socket: str) -> Fleet:
    """A fleet whose workers play scripts."""
    return make_fleet(repository, tmux_socket)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """The arguments of each call of a program (git, tmux) since this was asked last."""
    folder = tmp_path / "counted"
    folder.mkdir()
    for name in ("git", "tmux"):
        shim = folder / name
        log = f'printf "%s\\n" "$(echo "$*" | tr "\\n" " ")" >>{folder}/{name}.log'
        shim.write_text(f'#!/bin/sh\n{log}\nexec {shutil.which(name)} "$@"\n', "utf-8")
        shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def made(name: str) -> list[str]:
        log = folder / f"{name}.log"
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    return made
