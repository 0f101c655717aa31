"""Hooks as Claude Code runs them: the shell command of hooks.json."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.measuring import Plan, Row, in_turns, seconds
from bench.stage import Stage, stage
from worker_manager.crew.lifecycle.launch import plugin_root
from worker_manager.domain import identifiers
from worker_manager.domain.message import Message

_QUIET = ("UserPromptSubmit", "PostToolUse", "FileChanged", "Stop")


def rows(plan: Plan) -> Iterator[Row]:
    """With nothing to do, and with 1 and 100 letters."""
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
