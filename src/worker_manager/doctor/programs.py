"""Checks Python, git and tmux: their versions, and whether they work."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from worker_manager.doctor.findings import Finding, Place, failed, ok, unknown
from worker_manager.errors import RuntimeUnavailable, WorkerManagerError
from worker_manager.installation import environment
from worker_manager.processes.probes import ask, is_older, version_in
from worker_manager.runtimes.base import Presence
from worker_manager.runtimes.tmux.runtime import Tmux
from worker_manager.worktrees import git as git_program
from worker_manager.worktrees.snapshots import OURS

GIT_NEEDED, TMUX_NEEDED = "2.38", "3.2"
_GIT_SECONDS = 15.0


def python(_: Place) -> list[Finding]:
    """Checks the running interpreter, and that its packages load."""
    about, here = "Python", f"{platform.python_version()} ({sys.executable})"
    load = "import worker_manager.servers.orchestrator, worker_manager.crew.fleet"
    answer = ask([sys.executable, "-I", "-c", load], seconds=60)
    if answer.trouble:
        return [unknown(about, f"{here}; {answer.trouble}.")]
    if answer.code:
        said = (answer.error.strip().splitlines() or ["no message"])[-1]
        again = "install worker-manager anew, as it was installed"
        if environment.is_ours():
            again = f"rm -rf {shlex.quote(sys.prefix)}; the next start builds it anew"
        return [failed(about, f"{here} can't load the packages: {said}", again)]
    return [ok(about, f"{here} loads its packages.")]


def git(_: Place) -> list[Finding]:
    """Checks git by a merge in memory, as conflict warnings and merge_worker do it."""
    version = _version("git", "--version", needed=GIT_NEEDED, why="merges in memory need")
    if isinstance(version, Finding):
        return [version]
    try:
        with tempfile.TemporaryDirectory() as folder:
            _merge_in_memory(folder)
    except (WorkerManagerError, OSError) as error:
        return [failed("git", f"git {version} can't merge in memory: {error}", _install("git"))]
    return [ok("git", f"{version} merges in memory.")]


def _merge_in_memory(folder: str) -> None:
    def run(*words: str) -> str:
        return git_program.run(folder, *words, environment=OURS, seconds=_GIT_SECONDS)

    run("init", "-q")
    empty = run("mktree")
    base = run("commit-tree", empty, "-m", "base")
    Path(folder, "a").write_text("a\n", "utf-8")
    run("add", "--", "a")
    one = run("commit-tree", run("write-tree"), "-p", base, "-m", "one")
    two = run("commit-tree", empty, "-p", base, "-m", "two")
    run("merge-tree", "--write-tree", one, two)


def tmux(_: Place) -> list[Finding]:
    """Checks tmux by starting a session on a temporary server, as a worker's is started."""
    version = _version("tmux", "-V", needed=TMUX_NEEDED, why="workers' terminals need")
    if isinstance(version, Finding):
        return [version]
    try:
        with tempfile.TemporaryDirectory(prefix="wm-") as folder:
            try_session(f"{os.path.realpath(folder)}/s", cwd=folder)
    except (RuntimeUnavailable, OSError) as error:
        return [failed("tmux", f"tmux {version} starts no session: {error}", "tmux new-session")]
    return [ok("tmux", f"{version} starts a session, and ends it.")]


def try_session(socket: str, *, cwd: str) -> None:
    """Starts a session on a server at a socket of its own, and ends it. Raises
    RuntimeUnavailable.
    """
    runtime, handle = Tmux(""), f"{socket}:doctor"
    runtime.launch(handle, ["sleep", "60"], cwd=cwd)
    try:
        if runtime.probe([handle])[handle] is not Presence.ALIVE:
            raise RuntimeUnavailable("the session is not there after its start")
    finally:
        runtime.end(handle)
        with suppress(OSError):  # tmux leaves it
            os.unlink(socket)


def _version(name: str, option: str, *, needed: str, why: str) -> str | Finding:
    """The version of a program that is new enough; else what is to be said of it."""
    if shutil.which(name) is None:
        return failed(name, f"{name} is not installed.", _install(name))
    answer = ask([name, option])
    if answer.trouble or answer.code:
        return unknown(name, f"{answer.trouble or answer.error.strip() or f'{name} says nothing'}.")
    version = version_in(answer.text)
    if version and is_older(version, needed):
        says = f"{name} {version} is too old: {why} {needed}."
        return failed(name, says, _install(name, newer=True))
    return version


def _install(package: str, *, newer: bool = False) -> str:
    where = " (a version that is new enough may need another release of the system)"
    return f"sudo apt-get install {package}, or brew install {package}" + (where if newer else "")
