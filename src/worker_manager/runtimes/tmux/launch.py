"""The tmux command that opens a worker's terminal, and what tmux answers to it."""

import time
from collections.abc import Callable, Sequence

from worker_manager.errors import RuntimeUnavailable
from worker_manager.runtimes.tmux import environment as inheritance
from worker_manager.runtimes.tmux.server import (
    TIMEOUT_SECONDS,
    Answer,
    Server,
    own_environment,
    unavailable,
)


def launch_command(session: str, argv: Sequence[str], cwd: str) -> tuple[list[str], list[str]]:
    """The command that launches, and what is to be removed from the server after it."""
    environment = sorted(own_environment())
    names = [name for name in environment if name.isidentifier()]
    prepare = ["-g", "update-environment", " ".join(names)]
    for option in (("remain-on-exit", "on"), ("history-limit", "20000"), ("mouse", "on")):
        prepare += [";", "set-option", "-g", *option]
    prepare += [";", *inheritance.NOTE_STARTER, ";", *inheritance.UNLESS_CLEAN]
    form = ("-x", "200", "-y", "50", "-P", "-F", "#{pane_pid}")
    begin = [";", "new-session", "-d", "-s", inheritance.guarded(session), *form]
    begin += ["-c", quoted_word(_literal(cwd)), "--", *map(quoted_word, argv)]
    room = inheritance.COMMAND_LIMIT_BYTES - inheritance.size([*prepare, *begin])
    if room < 0:
        raise RuntimeUnavailable(
            f"The environment has {len(names)} variables, more than tmux takes. "
            "Start Claude Code with a smaller environment."
        )
    removal, *later = inheritance.removal(environment, room)
    return ["set-option", *prepare, removal, *begin], later


def answer_to_launch(
    server: Server, command: Sequence[str], asked: Callable[[], Answer], heard: list[Answer]
) -> Answer:
    """Once nobody else's variables are where it goes. A starter that was killed before it said what
    it wants leaves an empty server, which ends; or a terminal of the same name, which goes away.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        answer = asked()
        heard.append(answer)
        # A server that can't make its socket says so, and ends with code 0.
        if answer.stdout and not answer.returncode:
            return answer
        passes = answer.says_taken or answer.says_ended
        if not answer.says_refused and not (passes and time.monotonic() < deadline):
            raise unavailable(answer)
        if time.monotonic() > deadline:
            raise RuntimeUnavailable(
                f"Another session began to start tmux (socket {server.socket_path}) and has not "
                f"ended that. Try again; look at it with: tmux -S {server.socket_path} ls"
            )
        time.sleep(0.05)
        asked = server.ask(*command)


def quoted_word(text: str) -> str:
    """tmux reads a `;` at the end of a word as the end of a command."""
    return f"{text[:-1]}\\;" if text.endswith(";") else text


def _literal(path: str) -> str:
    """tmux expands formats in a directory, `#(command)` among them."""
    return path.replace("#", "##")
