"""What commands print of names, contents and words that are no UTF-8, in every locale."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import git
from tests.integration.cli.conftest import validated
from tests.support.scripted.bench import add_worker
from worker_manager.crew.fleet import Fleet

pytestmark = pytest.mark.promise("text-whole")

Run = Callable[..., subprocess.CompletedProcess[bytes]]

CAFE = os.fsdecode(b"caf\xe9")
LOCALES = {
    "usual": {},
    "C": {"LC_ALL": "C"},
    "no UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "told": {"PYTHONIOENCODING": "ascii:strict"},
}


@pytest.fixture(params=LOCALES.values(), ids=LOCALES)
def locale(request: pytest.FixtureRequest) -> dict[str, str]:
    return dict(request.param)


#: Runs command after command, each with files for its stdout and stderr: the streams are the ones
#: that the locale gives, and the program is loaded once.
PROGRAM = """
import json, os, sys
from worker_manager import cli
with os.fdopen(os.dup(1), "w") as told:
    for line in sys.stdin:
        *arguments, out, err = json.loads(line)
        for path, descriptor in ((out, 1), (err, 2)):
            file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.dup2(file, descriptor)
            os.close(file)
        code = cli.main(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        print(code, file=told, flush=True)
"""


@pytest.fixture
def run(repository: Path, tmp_path: Path, locale: dict[str, str]) -> Iterator[Run]:
    """As typed in a shell: without -I, which would keep Python's own variables out."""
    files = (tmp_path / f"said-{number}" for number in itertools.count())
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=repository,
        env={**os.environ, **locale},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None

        def one(*arguments: str) -> subprocess.CompletedProcess[bytes]:
            out, err = next(files), next(files)
            program.stdin.write(json.dumps([*arguments, str(out), str(err)]) + "\n")
            program.stdin.flush()
            code = int(program.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, out.read_bytes(), err.read_bytes())

        yield one


def test_each_command_prints_what_can_be_read(mine: Fleet, repository: Path, run: Run) -> None:
    git(repository, "config", "core.quotepath", "false")
    worker = add_worker(mine, repository)
    Path(worker.path, CAFE).write_bytes(b"mine \xe9\n")
    git(Path(worker.path), "add", ".")
    git(Path(worker.path), "commit", "-q", "-m", f"Say {CAFE}")
    Path(worker.path, f"nested {CAFE}").mkdir()
    git(Path(worker.path, f"nested {CAFE}"), "init", "-q")
    hook = repository / ".git" / "hooks" / "commit-msg"
    hook.write_bytes(b"#!/bin/sh\necho 'n\xe9in' >&2; exit 1\n")
    hook.chmod(0o755)

    def said(*line: str) -> str:
        plain, as_json = run(*line), run(*line, "--json")
        assert b"This is a bug" not in plain.stdout + plain.stderr + as_json.stdout
        assert plain.returncode == as_json.returncode
        assert (plain.stdout + plain.stderr).decode("utf-8", "strict")
        told = as_json.stdout.decode("ascii", "strict")
        is_failure = "error" in json.loads(told.splitlines()[0])
        values = validated("Failure" if is_failure else line[0], told)
        assert json.dumps(values, ensure_ascii=False).encode("utf-8", "strict")
        return told

    assert "nested" in said("clean", worker.id)
    assert "caf?" in said("diff", worker.id)
    assert "n?in" in said("merge", worker.id)
    hook.unlink()
    (repository / CAFE).write_bytes(b"yours \xe9\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", f"Mine {CAFE}")
    assert "yours ?" in said("merge", worker.id)
    said("ls")
    said("logs", worker.id)
    said("mail", "--peek")
    said("screen", CAFE)
