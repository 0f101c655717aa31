"""Every command in a page is run, in a sandbox, in the order of the page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import CHECKOUT
from tests.support.documents import Block, blocks, lines, pages, shows
from tests.support.scripted.bench import add_worker, commit
from tests.support.scripted.workers import running_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.clean import CleanOptions

#: Commands that can't be run here: why, and the nearest that can.
REPLACED = {
    "tests/run": ("is what runs this", "test -x tests/run"),
    "claude plugin marketplace add CHECKOUT": (
        "needs Claude Code: tests/acceptance/test_guidance.py runs it",
        "test -e .claude-plugin/marketplace.json",
    ),
    "claude plugin install worker-manager@worker-manager": (
        "as before",
        'grep -q \'"name": "worker-manager"\' .claude-plugin/plugin.json',
    ),
    "uv tool install .": (
        "needs uv: tests/acceptance/test_wheel.py installs the same wheel",
        "grep -q hatchling pyproject.toml",
    ),
    "bin/worker-manager watch": (
        "needs a terminal: tests/integration/dashboard/ runs it in one",
        "bin/worker-manager watch --help",
    ),
    "bin/worker-manager watch --web": (
        "ends only when it is told to: tests/integration/dashboard/ has a browser",
        "bin/worker-manager watch --help",
    ),
    "bin/worker-manager watch --web --port 8791": ("as before", "bin/worker-manager watch --help"),
    "worker-manager doctor": (
        "there may be no Claude Code here, which it would rightly complain of",
        "worker-manager doctor || test $? = 1",
    ),
    "bin/worker-manager doctor": ("as before", "bin/worker-manager doctor || test $? = 1"),
    "worker-manager doctor --fix": ("as before", "worker-manager doctor --fix || test $? = 1"),
    "worker-manager doctor --deep": (
        "needs Claude Code: tests/acceptance/test_doctor.py runs it",
        "worker-manager doctor --help",
    ),
}

#: What leaves nothing, and takes a while: the next page is shown what it said to the first.
ONCE = {"bin/worker-manager demo"}
SAID: dict[str, str] = {}


class Sandbox(NamedTuple):
    """Where a page's commands are run, and what stands for its names in capitals."""

    directory: Path
    names: dict[str, str]


def plain(fleet: Fleet, repository: Path) -> Sandbox:
    return Sandbox(repository, {})


def checkout(fleet: Fleet, repository: Path) -> Sandbox:
    return Sandbox(CHECKOUT, {})


def with_a_worker(fleet: Fleet, repository: Path) -> Sandbox:
    worker = running_worker(fleet)
    return Sandbox(repository, {"ID": worker.id, "NAME": worker.name})


def with_an_agent(fleet: Fleet, repository: Path) -> Sandbox:
    return Sandbox(repository, {"ID": add_worker(fleet, repository).id, "NAME": "scripted"})


def with_a_cleaned_worker(fleet: Fleet, repository: Path) -> Sandbox:
    worker = add_worker(fleet, repository, {"a": "1"})
    Path(worker.path, "left").write_text("LEFT", "utf-8")
    fleet.clean(CleanOptions([worker.id], force=True))
    ref = fleet.worker(worker.id).cleaned
    return Sandbox(repository, {"ID": worker.id, "REF": ref, "FILE": "left", "BRANCH": "mine"})


def with_a_merge(fleet: Fleet, repository: Path) -> Sandbox:
    before = commit(repository, {"b": "1"})
    commit(repository, {"c": "1"})
    return Sandbox(repository, {"BEFORE": before})


#: What a page needs; the others have a repository, or nothing to run.
PREPARED: dict[str, Callable[[Fleet, Path], Sandbox]] = {
    "README.md": checkout,
    "CONTRIBUTING.md": checkout,
    "docs/tutorial.md": checkout,
    "docs/howto/agents.md": with_an_agent,
    "docs/howto/answer.md": with_a_worker,
    "docs/howto/conflicts.md": with_a_merge,
    "docs/howto/watch.md": checkout,
    "docs/howto/undo.md": with_a_cleaned_worker,
    "docs/troubleshooting.md": with_a_worker,
}
WITH_COMMANDS = [
    str(page.relative_to(CHECKOUT))
    for page in pages()
    if any(one.kind == "sh" for one in blocks(page))
]


@pytest.fixture
def environ(tmp_path: Path, tmux_socket: str) -> dict[str, str]:
    """A person's shell in which `worker-manager` is known, and workers play scripts."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "worker-manager").symlink_to(CHECKOUT / "bin" / "worker-manager")
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "WORKER_MANAGER_PYTHON": sys.executable,
        "WORKER_MANAGER_AGENT": "scripted",
        "WORKER_MANAGER_TMUX_SOCKET": tmux_socket,
        "TMPDIR": str(tmp_path),
        "COLUMNS": "100",
    }


@pytest.mark.promise("pages-true")
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_the_commands_of_a_page_do_what_it_says(
    page: str, fleet: Fleet, repository: Path, environ: dict[str, str]
) -> None:
    directory, names = PREPARED.get(page, plain)(fleet, repository)
    said = ""
    for block in blocks(CHECKOUT / page):
        if block.kind == "sh":
            said = "".join(run(line, directory, environ, block) for line in lines(block, names))
        elif block.kind == "text" and said:
            assert shows(block.text, said) == [], f"{block.where} promises this; it was:\n{said}"
            said = ""


def run(command: str, directory: Path, environ: dict[str, str], block: Block) -> str:
    """What it says; it must succeed."""
    if command in SAID:
        return SAID[command]
    written = command
    _, command = REPLACED.get(command, ("", command))
    # Not the person's own crew: the sandbox has a tmux server of its own.
    socket = environ["WORKER_MANAGER_TMUX_SOCKET"]
    command = command.replace("tmux -L worker-manager ", f"tmux -L {socket} ")
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=directory,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, f"{block.where}: {command}\n{done.stdout}"
    if written in ONCE:
        SAID[written] = done.stdout
    return done.stdout


def test_no_command_is_replaced_for_nothing() -> None:
    scripts = [one for page in pages() for one in blocks(page) if one.kind == "sh"]
    written = {line for script in scripts for line in lines(script, {})}

    assert (set(REPLACED) | ONCE) - written == set()


def test_a_sample_that_is_not_printed_is_noticed() -> None:
    assert shows("worker 1a2b3c4d ... 3 commits", "worker ffffffff has 7 commits") == []
    assert shows("worker 1a2b3c4d is there", "worker ffffffff has 7 commits") != []
    assert shows("a\nb", "b\na") == ["b"]
