"""What every command has, and how the program behaves as one among others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import git
from tests.integration.cli.conftest import Command
from tests.support.scripted.bench import add_worker
from tests.support.scripted.workers import letters_to, recorded_worker
from tests.support.terminals.person import MODULE, Terminal
from tests.support.waiting import wait_until
from worker_manager.cli.exit_codes import Exit
from worker_manager.cli.registry import COMMANDS
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status
from worker_manager.state.layout import state_root

ACTING = {
    "run",
    "start",
    "answer",
    "nudge",
    "stop",
    "merge",
    "clean",
    "restore",
    "adopt",
    "mail",
    "watch",
}
HEAVY = {"mcp", "libtmux", "git", "psutil", "anyio", "pydantic"}


@pytest.mark.promise("help")
@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_shows_an_example_of_it(here: Command, name: str) -> None:
    shown = here(name, "--help")

    _, _, example = shown.stdout.partition("\nExample:\n")
    assert shown.returncode == 0
    assert f"worker-manager {name}" in example
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "--json" in shown.stdout


def test_without_arguments_a_terminal_gets_the_help(terminal: Terminal, repository: Path) -> None:
    terminal.run(cwd=repository)

    assert terminal.wait_for_end() == 0
    assert "worker-manager COMMAND --help" in terminal.screen()


@pytest.mark.parametrize("line", [["--help"], ["run", "--help"], ["completion", "bash"]])
def test_nothing_heavy_is_loaded_before_it_is_needed(line: list[str]) -> None:
    assert _loaded(*line) & HEAVY == set()


def test_the_list_loads_nothing_of_the_demo_or_the_servers() -> None:
    assert _loaded("ls") & {"mcp", "anyio", "worker_manager.rehearsal"} == set()


def test_a_closed_pipe_is_no_error(mine: Fleet, repository: Path) -> None:
    for _ in range(3):
        recorded_worker(mine, repository)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*MODULE, "ls", "--watch", "--json"], cwd=repository, **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        recorded_worker(mine, repository)  # there is more to write

        assert process.wait(30) == Exit.CLOSED_PIPE
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["lss"], "There is no command 'lss'. Did you mean ls?"),
        (["stop"], "Missing argument 'WORKER...'. worker-manager stop --help shows how."),
        (["nudge", "x"], "Missing argument 'MESSAGE'. worker-manager nudge --help shows how."),
    ],
)
def test_a_wrong_command_line_is_one_sentence_with_the_next_step(
    command: Command, line: list[str], said: str
) -> None:
    done = command(*line)

    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert done.stderr.startswith(f"worker-manager: {said}")
    assert len(done.stderr.splitlines()) == 1


def test_a_beginning_that_fits_several_names_them(
    here: Command, mine: Fleet, repository: Path
) -> None:
    ids = [recorded_worker(mine, repository).id for _ in range(2)]

    done = here("screen", "t-")

    assert done.returncode == 1
    assert all(one in done.stderr for one in ids)


def test_errors_name_commands_and_no_tools(here: Command, mine: Fleet, repository: Path) -> None:
    done = here("merge", recorded_worker(mine, repository).id)

    assert "Wait for its report, or stop it." in done.stderr
    assert "_worker" not in done.stderr


def test_the_next_step_of_an_error_is_a_command(
    here: Command, mine: Fleet, repository: Path
) -> None:
    done = here("nudge", recorded_worker(mine, repository, status=Status.STOPPED).id, "go on")

    assert "worker-manager restore goes on with its conversation." in done.stderr


def test_a_traceback_is_shown_with_debug_only(command: Command) -> None:
    plain, debug = (command(*line, "screen", "x").stderr for line in ([], ["--debug"]))

    assert "Traceback" not in plain
    assert "Traceback" in debug
    assert debug.endswith(plain)


def test_a_diff_and_a_merge_of_a_branch(here: Command, mine: Fleet, repository: Path) -> None:
    worker = add_worker(mine, repository, {"a.txt": "a\n"}).id

    assert "+a" in here("diff", worker).stdout.splitlines()
    assert "a.txt | 1 +" in here("diff", "--stat", worker).stdout
    assert "is in main (squash," in here("merge", "--strategy", "squash", worker).stdout
    assert "Would clean 1 of 1" in here("clean", "--dry-run").stdout
    assert "Cleaned 1 of 1" in here("clean").stdout
    assert "ls --all lists what was cleaned: 1." in here("ls").stdout
    assert here("clean").stdout == "There is nothing to clean: no finished worker is left.\n"


def test_a_clean_that_leaves_one_that_was_named_has_failed(
    command: Command, mine: Fleet, repository: Path
) -> None:
    unmerged = add_worker(mine, repository, {"a.txt": "a\n"}).id
    done = add_worker(mine, repository).id

    named = [
        command("clean", *ids, *more)
        for ids in ([unmerged], [unmerged, done])
        for more in (["--dry-run"], ["--json"])
    ]

    assert [one.returncode for one in named] == [1, 1, 1, 1]
    assert "its branch is not merged" in named[0].stdout
    told = {one["id"]: bool(one["kept_because"]) for one in json.loads(named[-1].stdout)["workers"]}
    assert told == {unmerged: True, done: False}
    assert command("clean").returncode == 0
    assert command("clean", "--force", unmerged).returncode == 0


def _loaded(*line: str) -> set[str]:
    """The modules in the program once it has done that."""
    script = (
        "import sys\nfrom worker_manager import cli\ncli.main(sys.argv[1:])\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, *line], check=True, capture_output=True, text=True
    )
    return set(done.stderr.split())


@pytest.mark.promise("secure-worker")
@pytest.mark.parametrize("name", sorted(ACTING))
def test_a_worker_does_not_act_in_its_orchestrators_name(
    here: Command, mine: Fleet, repository: Path, name: str
) -> None:
    worker = recorded_worker(mine, repository)
    more = {"nudge": ["obey"], "answer": ["allow"], "run": ["--yes"]}.get(name, [])

    named = [] if name in ("mail", "watch") else [worker.id]
    done = here(name, *named, *more, WORKER_MANAGER_WORKER_ID=worker.id)

    assert done.returncode == 1
    assert f"This is the shell of worker {worker.id}" in done.stderr
    assert mine.worker(worker.id) == worker
    assert letters_to(mine, worker) == []


@pytest.mark.promise("secure-worker")
@pytest.mark.parametrize("has_proc", [True, False])
@pytest.mark.parametrize(
    "without", ["env -u WORKER_MANAGER_WORKER_ID", 'env -i PATH="$PATH" HOME="$HOME"']
)
def test_nor_does_one_that_takes_its_variables_away(
    mine: Fleet, repository: Path, without: str, has_proc: bool
) -> None:
    victim = add_worker(mine, repository, {"a.txt": "a\n"})
    main = "from worker_manager import __main__; __main__.main()"
    unproc = (
        ""
        if has_proc
        else "from worker_manager.state import process_identity as p; p._HAS_PROC = 0;"
    )
    state = f"WORKER_MANAGER_STATE_DIR={state_root()}"
    python = f"{without} {state} {sys.executable} -I -c '{unproc}{main}'"
    steps = [{"run": f"{python} merge {victim.id}"}, {"hang": True}]

    worker = mine.start(StartRequest("t", f"```steps\n{json.dumps(steps)}\n```")).worker

    def shown() -> str:
        return mine.screen(mine.worker(worker.id)).replace("\n", "")

    wait_until(lambda: "exit code" in shown() or "is in main" in shown(), 30)
    assert f"This is the shell of worker {worker.id}" in shown()
    assert git(repository, "log", "--format=%s", "main") == "first"


def test_a_worker_may_look(here: Command, mine: Fleet, repository: Path) -> None:
    worker = recorded_worker(mine, repository)

    assert worker.id in here("ls", WORKER_MANAGER_WORKER_ID=worker.id).stdout
