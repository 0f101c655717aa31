"""What a tmux server keeps of whoever started it: all their variables, which every later session
would get. A launch removes them from a server that it has just started, and makes no session where
another launch has yet to do so. All in one call, between whose commands no other's come.
"""

from collections.abc import Mapping, Sequence

from worker_manager.domain.identifiers import random_hex

#: tmux refuses a command line above this; names of variables are the bulk of ours.
COMMAND_LIMIT_BYTES = 15_000
#: In the environment of each tmux that we run, hence in that of a server it starts: whose it is.
STARTER, _TOKEN = "_WORKER_MANAGER_TMUX_STARTER", random_hex(8)
_IS_OURS = f"#{{==:#{{{STARTER}}},{_TOKEN}}}"
_IS_ANOTHERS = f"#{{&&:#{{{STARTER}}},#{{!=:#{{{STARTER}}},{_TOKEN}}}}}"
#: Of a server that this call has started: from now on nobody has to wait.
NOTE_STARTER = (
    *("if-shell", "-F", _IS_OURS),
    f"set-environment -gu {STARTER}; set-option -g @worker-manager-starter {_TOKEN}",
)
#: Before each portion of `removal`.
UNLESS_CLEAN = ("if-shell", "-F", "#{@worker-manager-clean}", "")
#: Only who has started the server knows all that is to be removed there.
_NOTE_CLEAN = (
    f'if-shell -F "#{{==:#{{@worker-manager-starter}},{_TOKEN}}}"'
    ' "set-option -g @worker-manager-clean yes"'
)
#: What tmux says of a session without a name.
REFUSED = "invalid session"


def marked(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a tmux that we run."""
    return {**environment, STARTER: _TOKEN}


def guarded(name: str) -> str:
    """A session's name, as a format: none where another one's variables still are."""
    return f"#{{?{_IS_ANOTHERS},,{name}}}"


def removal(names: Sequence[str], room: int) -> list[str]:
    """Commands that remove these variables from the server, in portions: the first of at most
    `room` bytes, the others of a whole call. At last it is clean, if they are all.
    """
    commands = [f"set-environment -gu -- {_quoted(one)};" for one in names]
    portions = [""]
    for command in [*commands, _NOTE_CLEAN]:
        taken = size([command])
        if taken > room:
            portions.append("")
            room = COMMAND_LIMIT_BYTES - 200
        portions[-1] += command
        room -= taken
    return portions


def size(words: Sequence[str]) -> int:
    """What they take of a call, in bytes."""
    return sum(len(word.encode("utf-8", "surrogateescape")) + 1 for word in words)


def _quoted(name: str) -> str:
    """A word in a command that tmux parses: what would mean something there is escaped."""
    escaped = "".join(f"\\{one}" if one in '\\"$~' else one for one in name)
    # Its parser takes the byte 0xFF for the end.
    return f'"{escaped}"'.replace("\n", "\\n").replace("\udcff", "\\377")
