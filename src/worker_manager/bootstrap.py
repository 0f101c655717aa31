"""Sets up the plugin's environment at its first start, then becomes it.

    python bootstrap.py VENV KEY -- ARGUMENTS
    python bootstrap.py --install tmux

A script of its own, with the standard library only: nothing is installed yet. The launcher
calls it when VENV/ready-KEY is missing. The set-up goes on when the caller is killed.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from worker_manager.installation import environment  # noqa: E402  the path first
from worker_manager.installation.installer import InstallationFailed  # noqa: E402


def main(arguments: list[str]) -> None:
    """Builds unless it is built, then executes worker_manager in it."""
    venv, key, _, *rest = arguments
    if not environment.is_ready(Path(venv), key):
        if not rest and not sys.stdin.isatty():
            _serve_meanwhile(Path(venv), key)
        # A person is there to see it, or asked for a demo: only then may a system package come.
        may_install = sys.stdin.isatty() or rest[:1] == ["demo"]
        code = _run_detached(venv, key, may_install=may_install)
        if code != 0 or not environment.is_ready(Path(venv), key):
            sys.exit(code or 1)
    _become(Path(venv), rest)


def _serve_meanwhile(venv: Path, key: str) -> None:
    """Claude Code waits 30 s for a server, and a slow machine builds for longer: the server begins
    to speak at once, with the standard library. Returns, having done nothing, where it is needed
    for more than its tools.
    """
    from worker_manager.errors import RuntimeUnavailable, WorkerManagerError
    from worker_manager.servers import entry
    from worker_manager.servers.wire import Wire

    if os.environ.get("WORKER_MANAGER_WORKER_ID") or entry.has_workers():
        return
    building = [_start_build(venv, key)]

    def load() -> Callable[[Wire], None]:
        _, said = building[0].communicate()
        if not environment.is_ready(venv, key):
            building[0] = _start_build(venv, key)  # for the next call
            reason = said.strip().rpartition("worker-manager: ")[2]
            raise RuntimeUnavailable(reason or "the set-up was ended. Try again.")
        return lambda wire: _become(venv, ["--go-on", *wire.give_back()])

    try:
        entry.serve_unbuilt(load)
    except WorkerManagerError as error:
        _say(str(error))
        sys.exit(1)
    sys.exit(0)


def _become(venv: Path, arguments: list[str]) -> None:
    python = str(venv / "bin" / "python")
    os.execv(python, [python, "-I", "-m", "worker_manager", *arguments])


def build(venv: Path, key: str, *, may_install: bool) -> int:
    """The exit code: 0 when the environment is ready. Speaks on stderr only."""
    try:
        environment.build(venv, key, may_install=may_install)
    except InstallationFailed as error:
        _say(f"the set-up failed: {error}")
        return 1
    return 0


def _run_detached(venv: str, key: str, *, may_install: bool) -> int:
    """The build in a session of its own: it finishes even if Claude Code ends the server."""
    command = _build_command(venv, key, *["install"] * may_install)
    # Not `run`: that kills its child when somebody presses Ctrl-C.
    builder = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    )
    try:
        return builder.wait()
    except KeyboardInterrupt:
        _say("the set-up goes on by itself; the next start finds it done.")
        return 130


def _start_build(venv: Path, key: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        _build_command(str(venv), key),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _build_command(venv: str, key: str, *more: str) -> list[str]:
    return [sys.executable, "-I", __file__, "--build", venv, key, *more]


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the caller was killed, and its pipe with it
        sys.stderr.write(f"worker-manager: {text}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        sys.exit(build(Path(sys.argv[2]), sys.argv[3], may_install="install" in sys.argv[4:]))
    if sys.argv[1:2] == ["--install"]:
        from worker_manager.processes.packages import install_package

        sys.exit(not install_package(sys.argv[2]))
    main(sys.argv[1:])
