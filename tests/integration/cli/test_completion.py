"""Completion, in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class

from tests.support.scripted.workers import recorded_worker
from worker_manager.cli import completion, recorded_options, recording
from worker_manager.cli.program import program as click_program
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.identifiers import COMPLETING, PROGRAM
from worker_manager.domain.worker import Worker

#: Does what bash does at a Tab behind these words.
_BASH = """\
eval "$(worker-manager completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_worker_manager_completion worker-manager
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our console script in the PATH."""
    folder = Path(sys.executable).parent
    assert shutil.which("worker-manager", path=str(_script(tmp_path).parent))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{folder}:{os.environ['PATH']}")


@pytest.fixture
def worker(mine: Fleet, repository: Path) -> Worker:
    return recorded_worker(mine, repository)


def complete(cwd: Path, *words: str) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", _BASH, "bash", "worker-manager", *words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_ids_and_names(
    program: None, repository: Path, worker: Worker
) -> None:
    assert complete(repository, "re") == ["restore"]
    assert complete(repository, "ls", "--w") == ["--watch"]
    assert complete(repository, "attach", "") == [worker.id]
    assert complete(repository, "attach", worker.id[:3]) == [worker.id]
    assert complete(repository, "stop", "--force", "t-") == [worker.name]
    assert complete(repository, "run", "--follow", worker.id[:2]) == [worker.id]


def test_outside_of_a_repository_nothing_is_completed_and_nothing_said(
    program: None, tmp_path: Path
) -> None:
    assert complete(tmp_path, "attach", "") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_their_script(program: None, shell: str) -> None:
    done = subprocess.run(
        ["worker-manager", "completion", shell], check=True, capture_output=True, text=True
    )

    assert "_WORKER_MANAGER_COMPLETE=" in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, check=True, text=True)


#: What is typed, and whether it is answered without click. ID is a worker's.
LINES = {
    "": True,
    "re": True,
    "nosuch": True,
    "attach ": True,
    "attach t": True,
    "attach ID": True,
    "attach ID ": False,
    "attach nosuch": True,
    "stop --force ": True,
    "stop ID t": True,
    "stop --force ID --": True,
    "ls --": True,
    "ls --w": True,
    "ls --watch --": True,
    "ls -h -": True,
    "ls ": False,
    "clean ": True,
    "run --follow ": False,
    "run --follow ID": False,
    "merge --into main ": False,
    "merge --into=main ": False,
    "start --file ": False,
    "start --title x --f": False,
    "completion b": False,
    "--he": False,
    "nosuch ": False,
    "attach -- ": False,
    "attach 'I": False,
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("typed", LINES)
def test_what_is_answered_without_click_is_what_click_answers(
    repository: Path,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    shell: str,
    typed: str,
) -> None:
    monkeypatch.chdir(repository)
    line = f"{PROGRAM} {typed}".replace("ID", worker.id)
    word = line.split(" ")[-1]
    environ = {
        COMPLETING: f"{shell}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": word if shell == "fish" else str(len(line.split(" ")) - 1),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert completion.answer(os.environ) is LINES[typed]
    made = get_completion_class(shell)
    assert made is not None
    if LINES[typed]:
        expected = made(click_program, {}, PROGRAM, COMPLETING).complete()
        assert capfd.readouterr().out.strip("\n") == expected


def test_the_options_are_recorded_as_click_has_them() -> None:
    assert recording.options() == recorded_options.OPTIONS
    assert recording.workers() == recorded_options.WORKERS


def _script(tmp_path: Path) -> Path:
    """As pip would make it."""
    path = tmp_path / "bin" / "worker-manager"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -I -m worker_manager "$@"\n', "utf-8")
    path.chmod(0o755)
    return path
