"""Python, git and tmux: the versions that are here, and whether they do what is needed."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from worker_manager.doctor.asking import ask, is_older, version_in
from worker_manager.doctor.findings import Finding, Place, failed, ok, unknown
from worker_manager.errors import RuntimeUnavailable, WorkerManagerError
from worker_manager.runtimes.base import Presence
from worker_manager.runtimes.tmux import Tmux
from worker_manager.worktrees import git as git_program
from worker_manager.worktrees.snapshots import OURS

GIT_NEEDED, TMUX_NEEDED = "2.38", "3.2"
_GIT_SECONDS = 15.0


def python(_: Place) -> list[Finding]:
    """The interpreter that runs this, and whether the packages load in it."""
    about, here = "Python", f"{platform.python_version()} ({sys.executable})"
    load = "import worker_manager.servers.orchestrator, worker_manager.fleet"
    answer = ask([sys.executable, "-I", "-c", load], seconds=60)
    if answer.trouble:
        return [unknown(about, f"{here}; {answer.trouble}.")]
    if answer.code:
        said = (answer.error.strip().splitlines() or ["no message"])[-1]
        again = "rm -rf .venv in the checkout (or the plugin's data directory); the next start "
        return [failed(about, f"{here} can't load the packages: {said}", again + "builds it anew")]
    return [ok(about, f"{here} loads its packages.")]


def git(_: Place) -> list[Finding]:
    """Merges something in memory, as the radar and merge_worker do."""
    about = "git"
    if shutil.which("git") is None:
        return [failed(about, "git is not installed.", _install("git"))]
    answer = ask(["git", "--version"])
    if answer.trouble or answer.code:
        return [unknown(about, f"{answer.trouble or answer.error.strip() or 'git says nothing'}.")]
    version = version_in(answer.text)
    if version and is_older(version, GIT_NEEDED):
        needs = f"git {version} is too old: merges in memory need {GIT_NEEDED}."
        return [failed(about, needs, _install("git", newer=True))]
    try:
        with tempfile.TemporaryDirectory() as folder:
            _merge_in_memory(folder)
    except (WorkerManagerError, OSError) as error:
        return [failed(about, f"git {version} can't merge in memory: {error}", _install("git"))]
    return [ok(about, f"{version} merges in memory.")]


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
    """Starts a session on a server of a moment's, as a worker's is started, and ends it."""
    about = "tmux"
    if shutil.which("tmux") is None:
        return [failed(about, "tmux is not installed.", _install("tmux"))]
    answer = ask(["tmux", "-V"])
    if answer.trouble or answer.code:
        return [unknown(about, f"{answer.trouble or answer.error.strip() or 'tmux says nothing'}.")]
    version = version_in(answer.text)
    if version and is_older(version, TMUX_NEEDED):
        older = f"tmux {version} is too old: {TMUX_NEEDED} is needed."
        return [failed(about, older, _install("tmux", newer=True))]
    try:
        _start_a_session()
    except (RuntimeUnavailable, OSError) as error:
        return [failed(about, f"tmux {version} starts no session: {error}", "tmux new-session")]
    return [ok(about, f"{version} starts a session, and ends it.")]


def _start_a_session() -> None:
    runtime = Tmux("")
    with tempfile.TemporaryDirectory(prefix="wm-") as folder:
        handle = f"{os.path.realpath(folder)}/s:doctor"
        runtime.launch(handle, ["sleep", "60"], cwd=folder)
        try:
            if runtime.probe([handle])[handle] is not Presence.ALIVE:
                raise RuntimeUnavailable("the session is not there after its start")
        finally:
            runtime.end(handle)


def _install(package: str, *, newer: bool = False) -> str:
    where = " (a version that is new enough may need another release of the system)"
    return f"sudo apt-get install {package}, or brew install {package}" + (where if newer else "")
