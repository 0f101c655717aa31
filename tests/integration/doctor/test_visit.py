"""The examination as a whole, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.integration.doctor.conftest import FAILED, OK, UNKNOWN, WARNING, program
from tests.support.terminals.person import Terminal
from worker_manager.doctor.examination import CHECKS, Named, examine, repair
from worker_manager.doctor.findings import Finding, Place, ok
from worker_manager.doctor.report import as_lines


@pytest.mark.promise("doctor-unknown")
def test_a_look_that_hangs_or_breaks_holds_up_nothing_else(here: Place) -> None:
    for_ever = threading.Event()

    def hang(_: Place) -> list[Finding]:
        for_ever.wait()
        return []

    def fail(_: Place) -> list[Finding]:
        raise RuntimeError("no such luck")

    checks = [Named("a", hang), Named("b", fail), Named("c", lambda _: [ok("c", "fine.")])]

    found = list(examine(here, checks, seconds=2))
    for_ever.set()

    assert [(one.about, one.verdict) for one in found] == [
        ("a", UNKNOWN),
        ("b", UNKNOWN),
        ("c", OK),
    ]


def test_a_repair_that_fails_is_told_and_the_others_are_done(here: Place) -> None:
    def fail() -> str:
        raise OSError("no")

    findings = [
        Finding("a", WARNING, "a.", fix=fail),
        Finding("b", WARNING, "b.", fix=lambda: "b is done."),
    ]

    assert repair(findings) == ["a: not repaired: no", "b is done."]


def test_control_characters_reach_no_terminal() -> None:
    shown = as_lines(Finding("a", FAILED, "bad \x1b[31mname\n", "rm \x07x"))

    assert "\x1b" not in shown
    assert "\x07" not in shown


@pytest.mark.parametrize("columns", [60, 80])
def test_nothing_is_wider_than_the_terminal_but_a_word_that_must_stay_whole(columns: int) -> None:
    long_path = "/home/somebody/" + "x" * columns
    shown = as_lines(Finding("a", FAILED, "many words " * 20, f"rm -r {long_path}"), columns)

    lines = shown.splitlines()
    assert long_path in shown
    assert [one for one in lines if len(one) > columns and long_path not in one] == []


def test_a_repair_of_two_commands_can_be_copied_from_a_narrow_terminal() -> None:
    shown = as_lines(Finding("a", FAILED, "bad.", f"make {'x' * 50} && make install"), 80)

    assert shown.splitlines()[1:] == [f"         -> make {'x' * 50} &&", f"{'':12}make install"]


def test_the_command_prints_data_and_fails_where_something_has(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "claude", "echo 2.1.1", monkeypatch)

    done = subprocess.run(
        [sys.executable, "-I", "-m", "worker_manager", "doctor", "--json"],
        cwd=here.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (1, "")
    assert {one["about"] for one in told["findings"]} >= {check.about for check in CHECKS}
    assert told["sound"] is False
    assert [
        one for one in told["findings"] if one["verdict"] == "failed" and not one["repair"]
    ] == []


def test_the_settings_at_the_top_are_examined_from_any_directory_below(here: Place) -> None:
    Path(here.directory, "worker-manager.toml").write_text("nonsense = 1", "utf-8")
    below = Path(here.directory, "below")
    below.mkdir()

    done = subprocess.run(
        [sys.executable, "-I", "-m", "worker_manager", "doctor", "--json"],
        cwd=below,
        capture_output=True,
        text=True,
        check=False,
    )
    told = {one["about"]: one for one in json.loads(done.stdout)["findings"]}

    assert told["settings"]["verdict"] == "failed"
    assert "nonsense" in told["settings"]["says"]


def test_while_it_looks_a_terminal_shows_that_it_does(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person_socket: str
) -> None:
    seen = tmp_path / "seen"
    program(tmp_path, "claude", f"while [ ! -e {seen} ]; do sleep 0.1; done", monkeypatch)
    terminal = Terminal(person_socket)

    terminal.run("doctor", cwd=Path(here.directory))

    terminal.wait_for("looks ...")
    seen.touch()
    terminal.wait_for("leftovers")
