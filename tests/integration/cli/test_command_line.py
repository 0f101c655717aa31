"""The command line for people, in a real terminal where it matters."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.integration.cli.conftest import validated
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest

MODULE = [sys.executable, "-I", "-m", "worker_manager"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODULE, *arguments], stdin=-3, capture_output=True, text=True, check=False
    )


def test_attach_shows_the_workers_terminal(
    fleet: Fleet, tmux_socket: str, person_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = '```steps\n[{"say": "SHOWN-1"}, {"hang": true}]\n```'
    worker = fleet.start(StartRequest("t", steps)).worker
    monkeypatch.setenv("WORKER_MANAGER_TMUX_SOCKET", tmux_socket)
    tmux = ["tmux", "-L", person_socket]
    attach = [*MODULE, "attach", worker.id]
    # The terminal is a pane, so this is an attach inside of tmux, too.
    subprocess.run([*tmux, "new-session", "-d", "-s", "person", *attach], check=True)

    capture = [*tmux, "capture-pane", "-p", "-t", "=person:"]
    wait_until(lambda: "SHOWN-1" in subprocess.run(capture, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("worker_id", ["12345678", "../x", ""])
def test_an_unknown_worker_is_one_sentence(worker_id: str) -> None:
    answer = run("attach", worker_id)

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith(
        "worker-manager: No worker here has an id or a name that begins"
    )
    assert len(answer.stderr.splitlines()) == 1


def test_the_demo_does_the_whole_job_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Others start servers in the usual place at the same moment; names of sockets are short.
    sockets = tempfile.TemporaryDirectory(prefix="wm-", dir="/tmp")
    monkeypatch.setenv("TMUX_TMPDIR", sockets.name)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("WORKER_MANAGER_PYTHON", sys.executable)

    done = subprocess.run(
        [str(CHECKOUT / "bin" / "worker-manager"), "demo", "--json", "--below", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (value,) = validated("demo", done.stdout)
    assert value["worked"]
    order = ["worker started", "question arrived", "answered", "completion arrived", "greeting.txt"]
    timeline = "\n".join(value["timeline"])
    places = [timeline.index(word) for word in order]
    assert places == sorted(places)
    assert os.listdir(Path(sockets.name, f"tmux-{os.getuid()}")) == []
    sockets.cleanup()
    assert not [path for path in tmp_path.iterdir() if "demo" in path.name]


def test_a_disk_that_takes_no_more_is_said_and_leaves_nothing(
    repository: Path, fleet: Fleet, tmux_socket: str
) -> None:
    # A limit on file size fails the write half-way, as a full disk does, and needs no root.
    script = (
        "import resource, sys; sys.path.insert(0, sys.argv[1]); "
        "from pathlib import Path; from tests.conftest import make_fleet; "
        "from worker_manager.crew.lifecycle.request import StartRequest; "
        "fleet = make_fleet(Path(sys.argv[2]), sys.argv[3]); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000)); "
        "fleet.start(StartRequest('t', 'x' * 60000))"
    )
    command = [sys.executable, "-c", script, str(CHECKOUT), str(repository), tmux_socket]

    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert "StateUnavailable" in done.stderr
    assert "task.md can't be used: File too large" in done.stderr
    assert fleet.records.all() == []
    assert not list(repository.glob(".worktrees/*"))
    homes = Path(fleet.records.repository, "workers")
    assert not homes.exists() or list(homes.iterdir()) == []
