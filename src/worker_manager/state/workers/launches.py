"""What a worker was started with: its task, its launch script, the process of that. No secrets:
the environment comes through the runtime.
"""

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from worker_manager.domain.worker import Worker
from worker_manager.errors import StateCorrupt
from worker_manager.state import process_identity
from worker_manager.state.files import read_regular, write_atomic
from worker_manager.state.layout import WORKERS

PROCESS, SCRIPT = "process", "launch.sh"
#: A session checks in 1 to 3 s after its start.
CHECK_IN_SECONDS = 10


def write_file(home: str, name: str, text: str) -> None:
    """A private file in the worker's home, written anew for each launch. A power cut ends what was
    launched, too. A path in it may hold bytes that are no text.
    """
    content = text.encode("utf-8", "surrogateescape")
    write_atomic(os.path.join(home, name), content, durable=False)


def read_pane(home: str) -> str:
    """What the worker's terminal showed when it ended; empty when nobody saw it."""
    return read_text(home, "pane.log")


def read_text(home: str, name: str) -> str:
    """A file of the worker's home; empty when it can't be read."""
    try:
        return read_regular(os.path.join(home, name)).decode("utf-8", "replace")
    except (OSError, StateCorrupt):
        return ""


def note_process(home: str, process: str) -> None:
    """The identity of the launch script's process; it counts until the record is written next. A
    power cut ends the process, too, so that no disk is waited for.
    """
    write_file(home, PROCESS, process)


def forget(home: str, name: str) -> None:
    """Removes what is left of a launch before: its SCRIPT or PROCESS. Raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(home, name))


def with_process(worker: Worker, home: str) -> Worker:
    """A worker as its record has it, launched when that was noted since then."""
    if worker.launched:
        return worker
    process = read_text(home, PROCESS)  # a power cut may have left zeros
    return worker.launch(process) if process_identity.is_identity(process) else worker


def is_under_way(worker: Worker) -> bool:
    """Whether somebody is at work on its start: the record comes before the session."""
    return (
        not worker.launched
        and bool(worker.starter)
        and not process_identity.has_ended(worker.starter)
    )


def script_path(home: str) -> str:
    """Where the launch script lies."""
    return os.path.join(home, SCRIPT)


def worker_above(root: str) -> str:
    """The id of the worker of this state directory in whose session this process runs: its launch
    script stands above. Empty when there is none, or when the process has left it.
    """
    script = re.compile(rf"{re.escape(root)}/[^/]+/{WORKERS}/(\w+)/{re.escape(SCRIPT)}(?: |$)")
    lines = map(process_identity.command_line, process_identity.ancestors())
    return next((found[1] for found in map(script.search, lines) if found), "")


def write_script(
    home: str,
    *,
    cwd: str,
    argv: Sequence[str],
    prompt: str,
    environment: Mapping[str, str],
    on_exit: Sequence[str],
    on_silence: Sequence[str],
    unset: Iterable[str],
    before: Sequence[str] = (),
) -> None:
    """The launch script. `on_exit` is called with the script's pid and the agent's
    exit code behind it, also when the terminal goes away. The kernel tells that to the first shell
    alone, which dies of it, so that it is told to the agent, too; the second outlives the agent.

    `before` is run in the agent's place first; when it fails, there is no agent. `on_silence` is
    called when the worker has not checked in CHECK_IN_SECONDS after that. `unset` are variables of
    the session that starts it.
    """
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    record = shlex.quote(os.path.join(home, "worker.json"))
    told = f'exec {shlex.join(on_exit)} "$$" "$?"'
    lines = [
        "#!/bin/sh",
        f"unset {' '.join(unset)}",
        *exports,
        # In the foreground: a program in the background of a shell ignores Ctrl-C, and all that
        # it runs does.
        "(",
        "trap : HUP TERM",
        f"cd {shlex.quote(cwd)} && {shlex.join(before) or ':'} || {told}",
        f'(sleep {CHECK_IN_SECONDS}; grep -q \'"status": "starting"\' {record} &&'
        f" exec {shlex.join(on_silence)}) </dev/null >/dev/null 2>&1 &",
        # A hangup that came before there was an agent to hear of it: there will be none. A killed
        # first shell leaves a terminal at stdin, but no session that it controls.
        f"(true 2>/dev/null </dev/tty && exec {shlex.join([*argv, '--', prompt])})",
        told,
        ")",
        'exit "$?"',
    ]
    write_file(home, SCRIPT, "\n".join(lines) + "\n")
