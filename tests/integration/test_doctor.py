"""The doctor, in worlds in which something is really broken."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.bench import add_worker
from tests.support.processes import is_running
from tests.support.terminals import hanging, tmux_pid
from tests.support.waiting import wait_until
from tests.support.workers import recorded_worker, running_worker, take_news
from worker_manager.doctor import (
    claude,
    disk,
    preferences,
    programs,
    remains,
    terminals,
    wakefulness,
)
from worker_manager.doctor.asking import ask
from worker_manager.doctor.examination import CHECKS, Check, Named, examine, repair
from worker_manager.doctor.findings import Finding, Place, Verdict, ok
from worker_manager.doctor.telling import as_lines
from worker_manager.fleet import Fleet
from worker_manager.messages import QUESTION, Message
from worker_manager.models import Status
from worker_manager.state import processes, receipts, sessions
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.records import now
from worker_manager.worktrees.removal import GOING

OK, WARNING, FAILED, UNKNOWN = Verdict


def place(directory: Path | str) -> Place:
    return Place(state_root(), str(directory), dict(os.environ))


@pytest.fixture
def here(repository: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A repository whose workers live on the test's own tmux server."""
    monkeypatch.setenv("WORKER_MANAGER_TMUX_SOCKET", tmux_socket)
    return place(repository)


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def program(tmp_path: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name, first on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


# Programs


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

    answer = ask(["sh", "-c", f"sleep 300 & echo $! > {started}; sleep 300"], seconds=2)

    assert "did not answer" in answer.trouble
    wait_until(lambda: not is_running(int(started.read_text("utf-8"))))


# Claude Code, by the answers that the real one gives (tests/acceptance has it itself)


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


# The state directory, settings


def test_a_state_directory_that_others_can_look_into_is_closed(here: Place) -> None:
    os.makedirs(here.root)
    os.chmod(here.root, 0o755)

    found = only(disk.state_directory(here))
    done = repair([found])

    assert (found.verdict, len(done)) == (WARNING, 1)
    assert only(disk.state_directory(here)).verdict is OK
    assert os.listdir(here.root) == []


def test_a_state_directory_that_cannot_be_written_has_failed(here: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory", "utf-8")

    found = only(disk.state_directory(here._replace(root=str(tmp_path / "file" / "state"))))

    assert found.verdict is FAILED
    assert "WORKER_MANAGER_STATE_DIR" in found.repair


def test_a_wrong_setting_is_named(here: Place) -> None:
    Path(here.directory, "worker-manager.toml").write_text("modell = 'x'\n", "utf-8")

    found = only(preferences.settings(here))

    assert found.verdict is FAILED
    assert "'modell'" in found.says
    assert "'model'" in found.says


def test_space_and_memory_are_measured(here: Place) -> None:
    found = [*disk.space(here), *disk.memory(here)]

    assert [one.verdict for one in found if one.verdict is UNKNOWN] == []


# tmux servers


def socket_of(here: Place) -> str:
    (path,) = terminals._sockets(here)
    return path


@pytest.mark.promise("doctor-unknown")
def test_a_stopped_tmux_server_is_named_with_the_command_that_wakes_it(
    here: Place, fleet: Fleet, tmux_socket: str
) -> None:
    worker = running_worker(fleet)

    with hanging(tmux_socket):
        server, workers = terminals.servers(here), remains.workers(here)

    assert only(server).verdict is FAILED
    assert only(server).repair == f"kill -CONT {tmux_pid(tmux_socket)}"
    assert UNKNOWN in [one.verdict for one in workers if worker.id in one.says]
    assert only(terminals.servers(here)).verdict is OK


def test_a_socket_at_which_nobody_listens_is_removed(here: Place) -> None:
    path = socket_of(here)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)

    found = only(terminals.servers(here))
    repair([found])

    assert found.verdict is WARNING
    assert not os.path.lexists(path)


@pytest.mark.promise("doctor-safe")
def test_a_socket_at_which_somebody_listens_by_now_is_not_removed(here: Place) -> None:
    path = socket_of(here)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
    found = only(terminals.servers(here))
    os.unlink(path)

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        repair([found])

        assert os.path.lexists(path)


@pytest.mark.promise("doctor-safe")
def test_what_is_no_socket_is_left_to_the_person(here: Place) -> None:
    path = socket_of(here)
    Path(path).write_text("mine", "utf-8")

    found = only(terminals.servers(here))

    assert (found.verdict, found.fix) == (FAILED, None)


# Workers and what they left


def test_a_worker_whose_session_is_gone_is_an_orphan(here: Place, fleet: Fleet) -> None:
    worker = recorded_worker(fleet, here.directory)

    found = only(remains.workers(here))

    assert found.verdict is WARNING
    assert worker.id in found.says
    assert "adopt_workers" in found.repair


def test_a_worker_that_ended_unseen_is_noted_and_told(here: Place, fleet: Fleet) -> None:
    sessions.link_process(here.root, os.getpid(), fleet.home)
    ended = subprocess.Popen(["true"])
    ended.wait()
    worker = recorded_worker(fleet, here.directory, starter="", process=f"{ended.pid}-1")

    found = only(remains.workers(here))
    repair([found])

    assert worker.id in found.says
    assert fleet.worker(worker.id).status is Status.FAILED
    assert take_news(fleet) == [("failed", worker.id)]
    assert only(remains.workers(here)).verdict is OK


def test_a_worker_that_lives_without_a_terminal_is_left_alone(here: Place, fleet: Fleet) -> None:
    sessions.link_process(here.root, os.getpid(), fleet.home)
    own = processes.identity(os.getpid())
    recorded_worker(fleet, here.directory, starter="", process=own)

    assert only(remains.workers(here)).verdict is OK


@pytest.mark.promise("doctor-safe")
def test_a_worktree_without_a_record_is_named_and_stays(here: Place, fleet: Fleet) -> None:
    worker = add_worker(fleet, Path(here.directory), {"a": "1"})
    assert only(remains.leftovers(here)).verdict is OK
    shutil.rmtree(fleet.records.home(worker.id))

    found = only(remains.leftovers(here))

    assert (found.verdict, found.fix) == (WARNING, None)
    assert worker.path in found.says


def test_a_persons_own_worktree_is_none_of_our_business(here: Place) -> None:
    command = ["git", "worktree", "add", "-q", "-b", "mine", "../mine"]
    subprocess.run(command, cwd=here.directory, check=True)

    assert only(remains.leftovers(here)).verdict is OK


def test_a_half_removed_worktree_is_named(here: Place, fleet: Fleet) -> None:
    worker = add_worker(fleet, Path(here.directory))
    os.mkdir(worker.path + GOING)

    assert worker.id in only(remains.leftovers(here)).repair


def test_drafts_of_killed_starts_are_removed_when_they_are_old(here: Place, fleet: Fleet) -> None:
    folder = Path(fleet.records.repository, "workers")
    for name, age in ((".new-old", 2 * 86_400), (".new-young", 0)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (time.time() - age,) * 2)

    repair([only(remains.leftovers(here))])

    assert [one.name for one in folder.iterdir()] == [".new-young"]


# Sessions


def claude_session(home: str, *, status: str = "idle") -> None:
    """This process, as Claude Code's file about it and our hook would have it."""
    folder = Path(os.environ["HOME"], ".claude", "sessions")
    folder.mkdir(parents=True)
    with open(Path(home, "orchestrator.json"), encoding="utf-8") as file:
        project = json.load(file)["project"]
    state = {"status": status, "statusUpdatedAt": time.time() * 1000, "cwd": project}
    (folder / f"{os.getpid()}.json").write_text(json.dumps(state), "utf-8")
    sessions.link_process(state_root(), os.getpid(), home)
    receipts.note_transcript(home, str(Path(home, "talk.jsonl")))


def letter(fleet: Fleet, *, age: float) -> None:
    fleet.mailbox.deliver(
        Message(id="a" * 16, type=QUESTION, sender="b" * 8, name="b", sent=now(), body="?")
    )
    for path in Path(mailbox_path(fleet.home), "new").iterdir():
        os.utime(path, (time.time() - age,) * 2)


def test_without_any_session_the_doorbell_is_unknown(here: Place) -> None:
    found = [
        only(look(here)) for look in (wakefulness.hooks, wakefulness.servers, wakefulness.doorbell)
    ]

    assert [one.verdict for one in found] == [UNKNOWN] * 3


def test_letters_that_lie_before_an_idle_session_are_a_broken_doorbell(
    here: Place, fleet: Fleet
) -> None:
    claude_session(fleet.home)
    letter(fleet, age=0)
    fresh = only(wakefulness.doorbell(here))
    letter(fleet, age=60)

    late = only(wakefulness.doorbell(here))

    assert (fresh.verdict, late.verdict) == (UNKNOWN, FAILED)
    assert str(os.getpid()) in late.says


def test_letters_before_a_busy_session_are_no_sign(here: Place, fleet: Fleet) -> None:
    claude_session(fleet.home, status="busy")
    letter(fleet, age=60)

    assert only(wakefulness.doorbell(here)).verdict is UNKNOWN


def test_a_letter_that_woke_a_session_is_found_in_its_transcript(here: Place, fleet: Fleet) -> None:
    claude_session(fleet.home)
    line = {
        "type": "user",
        "timestamp": "2026-09-01T10:00:00.000Z",
        "message": "Mail from worker-manager: x",
    }
    Path(fleet.home, "talk.jsonl").write_text(json.dumps(line) + "\n", "utf-8")

    found = only(wakefulness.doorbell(here))

    assert (found.verdict, "2026-09-01T10:00:00" in found.says) == (OK, True)


def test_a_session_without_its_server_has_no_tools(here: Place, fleet: Fleet) -> None:
    claude_session(fleet.home)
    without = only(wakefulness.servers(here))
    Path(fleet.home, "server").write_text(str(os.getpid()), "utf-8")

    assert without.verdict is FAILED
    assert only(wakefulness.servers(here)).verdict is OK


def test_a_session_that_runs_without_the_plugin_is_named(here: Place, fleet: Fleet) -> None:
    claude_session(fleet.home)
    assert only(wakefulness.hooks(here)).verdict is OK
    sessions_file = Path(os.environ["HOME"], ".claude", "sessions", f"{os.getppid()}.json")
    sessions_file.write_text(json.dumps({"cwd": here.directory}), "utf-8")

    verdicts = {one.verdict for one in wakefulness.hooks(here)}

    assert verdicts == {WARNING, OK}


def test_a_hook_that_failed_is_told(here: Place) -> None:
    Path(here.root, "logs").mkdir(parents=True)
    Path(here.root, "logs", "hooks.log").write_text("old\n2026 Stop: KeyError: 'x'\n", "utf-8")

    found = wakefulness.hooks(here)[0]

    assert (found.verdict, "KeyError" in found.says) == (WARNING, True)


# All of it


@pytest.mark.promise("doctor-unknown")
def test_a_look_that_hangs_or_breaks_holds_up_nothing_else(here: Place) -> None:
    for_ever = threading.Event()

    def hang(_: Place) -> list[Finding]:
        for_ever.wait()
        return []

    def fail(_: Place) -> list[Finding]:
        raise RuntimeError("no such luck")

    checks = [Named("a", hang), Named("b", fail), Named("c", lambda _: [ok("c", "fine.")])]

    found = list(examine(here, checks, seconds=0.5))
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
