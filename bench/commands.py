"""The command line of a person: a list of workers, and the TAB key in bash."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import processes
from bench.builds import own
from bench.crew import Crew, crew
from bench.measuring import Cost, Plan, Row, cost_rows, costs_in_turns

_WORKERS = 3
#: What a shell does at TAB: the function that the program's own script has given it.
_TAB = """\
. "$1"
shift
COMP_WORDS=("$@" "") COMP_CWORD=$#
function=$(complete -p worker-manager)
function=${function#*-F }
"${function%% *}" worker-manager
[ ${#COMPREPLY[@]} -gt 0 ]
"""


def rows(plan: Plan) -> Iterator[Row]:
    """Beside Python alone, and beside an earlier version."""
    builds = [own(), *([plan.other] if plan.other else [])]
    with ExitStack() as stack:
        crews = [_with_workers(stack.enter_context(crew(build))) for build in builds]
        listing = [partial(_list, made) for made in crews]
        took, floor, *before = costs_in_turns(
            plan.rounds, [listing[0], partial(_pass, crews[0]), *listing[1:]]
        )
        yield Row("ls, CPU", "python -c pass", took.cpu, floor.cpu, 8.0, 25.0)
        if plan.other:
            yield from cost_rows("ls", plan.other.name, took, before[0], 0.35)
        if shutil.which("bash"):
            yield from _tab(plan, crews)


def _tab(plan: Plan, crews: list[Crew]) -> Iterator[Row]:
    for what, words in (("a command", ()), ("a worker", ("stop",))):
        keys = [partial(_press, made, _script(made), words) for made in crews]
        took, floor, *before = costs_in_turns(
            plan.rounds, [keys[0], partial(_pass, crews[0]), *keys[1:]]
        )
        yield Row(f"TAB for {what}, CPU", "python -c pass", took.cpu, floor.cpu, 7.0)
        if plan.other:
            yield from cost_rows(f"TAB for {what}", plan.other.name, took, before[0], 0.5)


def _with_workers(made: Crew) -> Crew:
    with made.orchestrator() as server:
        for _ in range(_WORKERS):
            made.worker(server)
    (made.folder / "bin" / "worker-manager").symlink_to(made.build.launcher)
    return made


def _list(made: Crew) -> Cost:
    return processes.run(["worker-manager", "ls"], made.shell, made.repository)


def _pass(made: Crew) -> Cost:
    return processes.run([made.build.python, "-c", "pass"], made.shell, made.repository)


def _script(made: Crew) -> Path:
    path = made.folder / "completion.bash"
    with path.open("wb") as file:
        command = ["worker-manager", "completion", "bash"]
        subprocess.run(command, env=made.shell, check=True, stdout=file)
    return path


def _press(made: Crew, script: Path, words: tuple[str, ...]) -> Cost:
    command = ["bash", "--norc", "-c", _TAB, "bash", str(script), "worker-manager", *words]
    return processes.run(command, made.shell, made.repository)
