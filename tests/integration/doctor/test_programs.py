"""Programs that are too old, only claim to work, hang, or aren't there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.doctor.conftest import FAILED, OK, UNKNOWN, WARNING, only, program
from tests.support.processes import is_running
from tests.support.waiting import wait_until
from worker_manager.doctor import (
    claude,
    programs,
)
from worker_manager.doctor.examination import Check
from worker_manager.doctor.findings import Place, Verdict
from worker_manager.processes.probes import ask


def test_what_works_here_is_ok(here: Place) -> None:
    found = [only(look(here)) for look in (programs.python, programs.git, programs.tmux)]

    assert [one.verdict for one in found] == [OK, OK, OK], found


@pytest.mark.parametrize(
    ("name", "says", "look"),
    [
        ("git", "git version 2.30.1", programs.git),
        ("tmux", "tmux 3.1c", programs.tmux),
        ("claude", "2.1.99 (Claude Code)", claude.version),
    ],
)
def test_an_old_program_is_said_to_be_too_old(
    name: str, says: str, look: Check, here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, name, f"echo '{says}'", monkeypatch)

    found = only(look(here))

    assert (found.verdict, "is too old" in found.says, found.repair != "") == (FAILED, True, True)


@pytest.mark.promise("doctor-tried")
def test_a_git_that_only_claims_its_version_is_found_out(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("git")
    script = f'case "$*" in *merge-tree*) exit 129 ;; esac\nexec {real} "$@"'
    program(tmp_path, "git", script, monkeypatch)

    assert only(programs.git(here)).verdict is FAILED


@pytest.mark.promise("doctor-tried")
def test_a_tmux_that_starts_nothing_is_found_out(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "tmux", '[ "$1" = -V ] && echo tmux 3.4 || exit 1', monkeypatch)

    assert only(programs.tmux(here)).verdict is FAILED


@pytest.mark.parametrize(("name", "look"), [("git", programs.git), ("tmux", programs.tmux)])
def test_a_program_that_is_not_there_is_named_with_how_to_install_it(
    name: str, look: Check, here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        found = only(look(here))

    assert found.verdict is FAILED
    assert f"apt-get install {name}" in found.repair


def test_a_program_that_hangs_is_ended_with_what_it_has_started(tmp_path: Path) -> None:
    started = tmp_path / "pid"

    answer = ask(["sh", "-c", f"sleep 3000 & echo $! > {started}; sleep 3000"], seconds=2)

    assert "did not answer" in answer.trouble
    wait_until(lambda: not is_running(int(started.read_text("utf-8"))))


def test_a_claude_that_is_not_logged_in_is_told_how(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "claude", """echo '{"loggedIn": false}'; exit 1""", monkeypatch)

    found = only(claude.login(here))

    assert (found.verdict, found.repair) == (FAILED, "claude auth login")


def test_a_claude_that_says_nothing_is_unknown_not_broken(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "claude", "exit 1", monkeypatch)

    found = [only(look(here)) for look in (claude.version, claude.login, claude.plugin)]

    assert [one.verdict for one in found] == [UNKNOWN] * 3


@pytest.mark.parametrize(
    ("listed", "verdict", "repair"),
    [
        ([], WARNING, "claude plugin install worker-manager@worker-manager"),
        ([("worker-manager@a", True)], OK, ""),
        ([("worker-manager@a", False)], WARNING, "claude plugin enable worker-manager@a"),
        ([("worker-manager@a", True), ("other@b", True)], OK, ""),
        (
            [("worker-manager@a", True), ("worker-manager@b", True)],
            FAILED,
            "claude plugin disable worker-manager@b",
        ),
    ],
)
def test_the_plugin_is_enabled_once(
    listed: list[tuple[str, bool]],
    verdict: Verdict,
    repair: str,
    here: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = json.dumps([{"id": name, "enabled": enabled} for name, enabled in listed])
    program(tmp_path, "claude", f"echo '{answer}'", monkeypatch)

    found = only(claude.plugin(here))

    assert found.verdict is verdict
    assert found.repair.endswith(repair)
