"""What commands print of names, contents and words that are no UTF-8, in every locale."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import git
from tests.integration.cli.conftest import validated
from tests.support.bench import add_worker
from tests.support.person import MODULE
from worker_manager.crew.fleet import Fleet

pytestmark = pytest.mark.promise("text-whole")

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


def run(cwd: Path, environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """As typed in a shell: without -I, which would keep Python's own variables out."""
    program = [one for one in MODULE if one != "-I"]
    return subprocess.run(
        [*program, *arguments],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        check=False,
        timeout=90,
    )


def test_each_command_prints_what_can_be_read(
    mine: Fleet, repository: Path, locale: dict[str, str]
) -> None:
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
        plain, as_json = run(repository, locale, *line), run(repository, locale, *line, "--json")
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
