"""The whole job from a terminal: `worker-manager run` with the real Claude Code as the worker."""

from __future__ import annotations

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import CREW
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import Reply, call
from tests.support.terminals.person import MODULE, Terminal

pytestmark = [pytest.mark.claude, pytest.mark.newest_claude]


@pytest.fixture
def terminal(person_socket: str, lab: ClaudeLab) -> Terminal:
    """Where the person sits: their environment is the lab's."""
    return Terminal(person_socket)


def run(terminal: Terminal, lab: ClaudeLab, *arguments: str) -> None:
    environ = [f"{name}={value}" for name, value in lab.env.items()]
    program = ["env", "-i", *environ, *MODULE]
    terminal.run("run", *arguments, cwd=lab.repository, program=program)


def commit(file: str, text: str) -> Reply:
    command = f"echo '{text}' > {file} && git add -A && git commit -qm 'Add {file}'"
    return call("Bash", command=command, description="Commit")


@pytest.mark.promise("run")
def test_a_worker_asks_at_the_prompt_and_its_work_is_merged(
    lab: ClaudeLab, api: MessagesApi, terminal: Terminal
) -> None:
    api.name_session("worker", first_prompt="W1 write")
    api.on("worker", "W1 write", call(f"{CREW}ask", question="Which greeting, QUESTION-1?"))
    api.on("worker", "ANSWER-1", commit("greeting.txt", "ANSWER-1"))
    api.on("worker", lambda r: bool(r.latest), call(f"{CREW}complete", summary="DONE-1 greeted"))

    run(terminal, lab, "W1 write a greeting")
    asked = terminal.wait_for("(empty: later):")
    terminal.type("ANSWER-1")
    offered = terminal.wait_for("[n]o:")
    terminal.type("y")

    assert terminal.wait_for_end() == 0, terminal.screen()
    assert "  | Which greeting, QUESTION-1?" in asked
    assert "DONE-1 greeted" in offered
    assert "1 commit since" in offered
    assert lab.git("show", "main:greeting.txt") == "ANSWER-1\n"
    assert len(api.requests_with_new("worker", "ANSWER-1")) == 1
