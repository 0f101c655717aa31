"""Hooks as Claude Code runs them: the shell command of hooks.json."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import processes
from bench.builds import own
from bench.crew import Crew, Worker, commit, crew
from bench.measuring import Cost, Plan, Row, cost_rows, costs_in_turns, in_turns, seconds
from bench.stage import Stage, stage
from worker_manager.crew.lifecycle.launch import plugin_root
from worker_manager.domain import identifiers
from worker_manager.domain.message import Message

_QUIET = ("UserPromptSubmit", "PostToolUse", "FileChanged", "Stop")


def rows(plan: Plan) -> Iterator[Row]:
    """With nothing to do, and with 1 and 100 letters; a worker's at the end of its turn."""
    with stage() as world:
        shell = partial(_run, ["sh", "-c", "true"], world)
        for event in _QUIET:
            ours, floor = in_turns(plan.rounds * 3, partial(quiet_hook, event, world), shell)
            yield Row(f"hook {event}, nothing to do", "sh -c true", ours, floor, 1.3)
        python = partial(_run, [sys.executable, "-c", "pass"], world)
        for event in _QUIET:
            ours, floor = in_turns(plan.rounds * 2, partial(with_letters, 1, world, event), python)
            yield Row(f"hook {event}, a letter", "python -c pass", ours, floor, 1.0, 1.2)
        ours, floor = in_turns(plan.rounds, partial(with_letters, 100, world), python)
        yield Row("hook UserPromptSubmit, 100 letters", "python -c pass", ours, floor, 1.3)
    yield from _stops(plan)


def _stops(plan: Plan) -> Iterator[Row]:
    """A worker's turn that ends as it should: it has reported, or asked."""
    builds = [own(), *([plan.other] if plan.other else [])]
    with ExitStack() as stack:
        crews = [stack.enter_context(crew(build)) for build in builds]
        for state in ("completed", "asking"):
            stops = [partial(_stop, made, _worker(made, state)) for made in crews]
            alone = [builds[0].python, "-c", "pass"]
            floor = partial(processes.run, alone, crews[0].shell, crews[0].repository)
            took, least, *before = costs_in_turns(plan.rounds * 2, [stops[0], floor, *stops[1:]])
            what = f"hook Stop of a worker, {state}"
            yield from cost_rows(what, "python -c pass", took, least, 1.3, 3.5)
            if plan.other:
                yield from cost_rows(what, plan.other.name, took, before[0], 1.0)


def _worker(made: Crew, state: str) -> Worker:
    """Of a session whose server runs no more: it has no part in a hook."""
    with made.orchestrator() as orchestrator:
        worker = made.worker(orchestrator)
    commit(made, worker)
    with made.server_of(worker) as server:
        if state == "completed":
            server.call("complete", summary="Done.")
        else:
            server.call("ask", question="Which?")
    return worker


def _stop(made: Crew, worker: Worker) -> Cost:
    session_id = worker.environ["CLAUDE_CODE_SESSION_ID"]
    transcript = str(made.folder / f"{session_id}.jsonl")
    given = {
        "session_id": session_id,
        "transcript_path": transcript,
        "cwd": worker.path,
        "hook_event_name": "Stop",
        "stop_hook_active": False,
    }
    command = ["sh", "-c", made.build.hook("Stop")]
    return processes.run(command, worker.environ, worker.path, given=json.dumps(given))


def quiet_hook(event: str, world: Stage) -> float:
    """A hook as hooks.json has it, in seconds."""
    declared = json.loads(Path(plugin_root(), "hooks", "hooks.json").read_text("utf-8"))["hooks"]
    command = declared[event][0]["hooks"][0]["command"]
    return _run(["sh", "-c", command.replace("${CLAUDE_PLUGIN_ROOT}", plugin_root())], world)


def with_letters(letters: int, world: Stage, event: str = "UserPromptSubmit") -> float:
    """A hook that has letters to show, in seconds."""
    mailbox = world.fleet().mailbox
    for number in range(letters):
        name = identifiers.new_message_id()
        mailbox.deliver(
            Message(
                id=name, type="completion", sender="0" * 8, name="n", sent="now", body=f"{number}"
            )
        )
    taken = quiet_hook(event, world)
    left = mailbox.claim(limit=letters)  # what one hook does not show
    if left:
        assert letters > 1, f"the hook {event} showed nothing"
        left.acknowledge()
    return taken


def _run(command: list[str], world: Stage) -> float:
    """A hook's exit code may be 2: then it wakes the session."""
    environ = {**world.environ, "CLAUDE_CODE_ENTRYPOINT": "cli"}
    given = b'{"tool_name": "Read"}'

    def run() -> None:
        done = subprocess.run(command, env=environ, input=given, capture_output=True, check=False)
        assert done.returncode in (0, 2), done.stderr

    return seconds(run)
