"""Codex as the doctor sees it, with programs of the tests' own in its place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.integration.doctor.conftest import FAILED, OK, UNKNOWN, WARNING, only, program
from worker_manager.doctor.codex import codex
from worker_manager.doctor.findings import Place

#: As far as the doctor asks it.
PROGRAM = """case "$*" in
--help) echo '  queue   Queue a message' ;;
--version) echo 'codex-cli 0.171.0' ;;
'login status') echo 'Logged in using ChatGPT' >&2; exit $LOGIN ;;
*) exit 1 ;;
esac"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's directory of Codex, and nothing of theirs on the PATH."""
    (tmp_path / "codex").mkdir()
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    monkeypatch.setenv("LOGIN", "0")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return tmp_path / "codex"


def test_where_it_is_not_used_nothing_is_wanting(home: Path, here: Place) -> None:
    assert only(codex(here)).verdict == OK


def test_where_it_is_chosen_and_missing_the_command_that_installs_it_is_told(
    home: Path, here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = here._replace(environ={**os.environ, "WORKER_MANAGER_AGENT": "codex"})

    found = only(codex(chosen))

    assert found.verdict == FAILED
    assert "npm install -g @openai/codex" in found.says


@pytest.mark.parametrize("table", ['like = "codex"', 'agent = "codex"'])
def test_it_is_chosen_by_the_name_of_an_agent_that_runs_it_too(
    home: Path, here: Place, table: str
) -> None:
    text = f'agent = "mine"\n[agents.mine]\n{table}\n'
    Path(here.directory, "worker-manager.toml").write_text(text, "utf-8")

    assert only(codex(here)).verdict == FAILED


def test_its_own_list_says_whether_the_repository_is_trusted(
    home: Path, here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "codex", PROGRAM, monkeypatch)
    version, login, trust, hooks = codex(here)
    assert [one.verdict for one in (version, login, trust, hooks)] == [OK, OK, WARNING, OK]
    assert "0.171.0" in version.says
    assert f"start `codex` once in {here.directory}" in trust.repair

    entry = f'[projects.{json.dumps(here.directory)}]\ntrust_level = "trusted"\n'
    (home / "config.toml").write_text(entry, "utf-8")
    assert codex(here)[2].verdict == OK


def test_without_a_login_workers_would_stop(
    home: Path, here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "codex", PROGRAM, monkeypatch)
    monkeypatch.setenv("LOGIN", "1")
    assert codex(here)[1].verdict == WARNING
    chosen = here._replace(environ={**here.environ, "WORKER_MANAGER_AGENT": "codex"})
    assert codex(chosen)[1].verdict == FAILED

    (home / "config.toml").write_text('model_provider = "mine"\n', "utf-8")
    assert codex(here)[1].verdict == UNKNOWN


def test_one_that_is_too_old_says_what_it_lacks(
    home: Path, here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "codex", "echo '  exec   Run'", monkeypatch)
    found = only(codex(here))
    assert found.verdict == WARNING
    assert "no command `queue`" in found.says
