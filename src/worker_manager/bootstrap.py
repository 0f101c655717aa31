"""Builds the virtual environment once, then becomes it.

    python bootstrap.py VENV KEY -- ARGUMENTS
    python bootstrap.py --install tmux

A script of its own, with the standard library only: nothing is installed yet. The launcher
calls it when VENV/ready-KEY is missing. Two at once build once (flock); what a killed build
left has no ready file and is built anew; the build goes on when the caller is killed.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))


def main(arguments: list[str]) -> None:
    """Builds unless it is built, then executes worker_manager in it."""
    venv, key, _, *rest = arguments
    if not _is_ready(Path(venv), key):
        if not rest and not sys.stdin.isatty():
            _serve_meanwhile(Path(venv), key)
        # A person is there to see it, or asked for a demo: only then may a system package come.
        may_install = sys.stdin.isatty() or rest[:1] == ["demo"]
        code = _run_detached(venv, key, may_install=may_install)
        if code != 0 or not _is_ready(Path(venv), key):
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
        if not _is_ready(venv, key):
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
    """Builds under the lock; 0 when the environment is ready. Speaks on stderr only."""
    try:
        venv.parent.mkdir(parents=True, exist_ok=True)
        with (venv.parent / f"{venv.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_ready(venv, key):
                _say("setting up its Python packages, once; that may take a minute ...")
                _rebuild(venv, key, may_install=may_install)
    except (OSError, subprocess.CalledProcessError) as error:
        _say(f"the set-up failed: {_reason(error)}")
        return 1
    return 0


def _rebuild(venv: Path, key: str, *, may_install: bool) -> None:
    if venv.exists():
        shutil.rmtree(venv)
    try:
        _make(venv, may_install=may_install)
        (venv / f"ready-{key}").touch()
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)  # nothing half ready stays
        raise


def _run_detached(venv: str, key: str, *, may_install: bool) -> int:
    """The build in a session of its own: it finishes even if Claude Code ends the server."""
    command = _build_command(venv, key, *["install"] * may_install)
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    ).returncode


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


def _make(venv: Path, *, may_install: bool) -> None:
    lock = str(ROOT / "requirements.lock")
    python = str(venv / "bin" / "python")
    uv = shutil.which("uv")
    if uv:
        _call([uv, "venv", "-q", "--python", sys.executable, str(venv)])
        _call([uv, "pip", "install", "-q", "--python", python, "--require-hashes", "-r", lock])
    else:
        _make_plain(venv, may_install=may_install)
        install = ["-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _call([python, *install, "--require-hashes", "-r", lock])
    found = 'import sysconfig; print(sysconfig.get_path("purelib"))'
    packages = subprocess.run([python, "-c", found], check=True, capture_output=True, text=True)
    site = packages.stdout.strip()
    Path(site, "worker_manager.pth").write_text(f"{ROOT / 'src'}\n", "utf-8")
    # A first start without byte code takes 3 s.
    _call([python, "-I", "-m", "compileall", "-q", "-j0", site, str(ROOT / "src")], check=False)


def _make_plain(venv: Path, *, may_install: bool) -> None:
    command = [sys.executable, "-m", "venv", str(venv)]
    try:
        _call(command)
    except subprocess.CalledProcessError:
        from worker_manager.processes.packages import install_package

        # Debian keeps ensurepip in a package of its own.
        if not (may_install and shutil.which("apt-get") and install_package("venv")):
            raise
        _call(command)


def _call(command: list[str], *, check: bool = True) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(command, check=check, capture_output=True, text=True, env=environ)


def _is_ready(venv: Path, key: str) -> bool:
    return (venv / f"ready-{key}").exists() and os.access(venv / "bin" / "python", os.X_OK)


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    if isinstance(error, OSError):
        return f"{error}. Make room or repair the directory, then try again."
    said = [line for line in (error.stderr + error.stdout).splitlines() if line.strip()][-3:]
    advice = (
        " On Debian or Ubuntu: apt-get install python3-venv." if "ensurepip" in str(said) else ""
    )
    return f"{' '.join(error.cmd[:4])} ...: {' / '.join(said).rstrip('.')}.{advice} Then try again."


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
