"""The live view as a person has it: the installed program in a real terminal of 80 by 24."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.terminals.person import worker_manager
from tests.support.terminals.tmux import run_tmux
from tests.support.terminals.watching import script
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status


def test_a_question_is_found_and_answered_in_a_real_terminal(
    fleet: Fleet, repository: Path, tmux_socket: str, person_socket: str
) -> None:
    steps = script({"say": "SHOWN-1"}, {"ask": "Which greeting?"}, {"complete": "So: {answer}."})
    worker = fleet.start(StartRequest("Greet", steps)).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.ASKING)
    settings = [f"WORKER_MANAGER_TMUX_SOCKET={tmux_socket}", "COLORTERM=truecolor"]
    watch = [sys.executable, "-I", "-m", "worker_manager", "watch"]
    size = ("-x", "80", "-y", "24", "-c", str(repository))
    then = '"$@"; echo "ended with $?"; exec sleep 1000'
    command = ["sh", "-c", then, "sh", "env", "-u", "TMUX", *settings, *watch]
    subprocess.run(
        ["tmux", "-L", person_socket, "new-session", "-d", "-s", "p", *size, *command], check=True
    )

    def screen(*options: str) -> str:
        return run_tmux(person_socket, "capture-pane", "-p", *options, "-t", "=p:")

    def sees(*texts: str) -> str:
        wait_until(lambda: all(text in screen() for text in texts), missing=screen)
        return screen()

    def press(*keys: str) -> None:
        run_tmux(person_socket, "send-keys", "-t", "=p:", *keys)

    shown = sees("1 worker, 1 needs you", "! asking", "SHOWN-1", "q Quit").splitlines()
    assert max(map(len, shown)) <= 80
    assert len(shown) <= 24
    assert "\x1b[" in screen("-e")

    press("y")
    sees("Greet asks", "Enter sends")
    press("-l", "Good morning")
    press("Enter")
    sees("completed")
    press("2")
    sees("from it: completion", "So: Good morning.")

    press("a")
    sees("ask  Which greeting?", "read  [answer")  # its own terminal
    press("C-b")
    press("d")
    sees("q Quit", "from it: completion")

    press("q")
    sees("ended with 0")
    assert fleet.worker(worker.id).status is Status.COMPLETED


def test_without_a_terminal_it_says_what_goes_without_one(repository: Path) -> None:
    refused = worker_manager("watch", cwd=repository)

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "worker-manager ls --watch" in refused.stderr
