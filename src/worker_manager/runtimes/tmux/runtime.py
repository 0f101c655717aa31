"""Workers in tmux sessions on a server of our own; the only importer of libtmux.

libtmux knows no time limit and reads "don't know" as "nothing": every call here goes through
`_Server.ask`, which has one, and every answer is judged by its exit code and error text.
"""

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from errno import ENAMETOOLONG
from typing import Any

import libtmux
from libtmux.common import tmux_cmd

from worker_manager.domain.identifiers import random_hex
from worker_manager.domain.worker import Screen
from worker_manager.errors import RuntimeUnavailable
from worker_manager.processes.child import Child
from worker_manager.runtimes.base import Presence
from worker_manager.runtimes.tmux import environment as inheritance
from worker_manager.runtimes.tmux.gate import Gate

TIMEOUT_SECONDS = 5.0
#: What tmux itself writes below a program that has ended.
_DEAD_PANE = "Pane is dead ("
#: What a pane of another server gave us; TMUX_TMPDIR is a setting, and stays.
_OF_A_PANE = ("TMUX", "TMUX_PANE", inheritance.STARTER)
#: How tmux says that its server, or the session, doesn't exist. That it must not connect, or
#: can't for another reason, says nothing.
_ABSENT = (
    "no server running",
    "(No such file or directory)",
    "(Connection refused)",
    "can't find session",
    "no such session",
)
_ENDED = ("server exited", "lost server")
_OWN_FOLDER = f"tmux-{os.getuid()}"


class _Answer(tmux_cmd):
    """A tmux command's outcome."""

    def __init__(self, command: list[str], code: int, stdout: str, stderr: str) -> None:
        self.cmd = command
        self.returncode = code
        self.stdout = stdout.splitlines()
        self.stderr = stderr.splitlines()

    @property
    def says_absent(self) -> bool:
        """Whether tmux answered that there is nothing of the kind."""
        return any(word in line for line in self.stderr for word in _ABSENT)

    @property
    def says_refused(self) -> bool:
        """Whether it made no session, because of another one's variables."""
        return any(inheritance.REFUSED in line for line in self.stderr)

    @property
    def says_taken(self) -> bool:
        """Whether it made no session, because there is one of that name."""
        return any("duplicate session" in line for line in self.stderr)

    @property
    def says_ended(self) -> bool:
        """Whether the server ended meanwhile: its last session went away just then."""
        return any(word in line for line in self.stderr for word in _ENDED)


class _Server(libtmux.Server):
    def cmd(  # type: ignore[override]  # as libtmux.Server itself does
        self, cmd: str, *args: Any, target: str | int | None = None
    ) -> _Answer:
        """As libtmux's, with a time limit. Raises RuntimeUnavailable."""
        return self.ask(cmd, *args, target=target)()

    def ask(self, cmd: str, *args: Any, target: str | int | None = None) -> Callable[[], _Answer]:
        """Gives what waits for the answer, and raises RuntimeUnavailable; must be called."""
        tmux = shutil.which("tmux")
        if tmux is None:
            raise RuntimeUnavailable(
                "tmux is not installed. Install it (apt-get install tmux, or brew install tmux)."
            )
        # Our own settings only: a person's could change what a pane runs.
        command = [tmux, f"-S{self.socket_path}", "-f/dev/null", cmd]
        command += [] if target is None else ["-t", str(target)]
        command += map(str, args)
        try:
            process = Child(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=inheritance.marked(_own_environment()),
            )
        except OSError as error:
            raise RuntimeUnavailable(f"tmux can't be run: {error.strerror}. Try again.") from error
        return lambda: self._answer(process, command)

    def _answer(self, process: Child[str], command: list[str]) -> _Answer:
        with process:
            try:
                stdout, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise RuntimeUnavailable(
                    f"tmux (socket {self.socket_path}) did not answer within "
                    f"{TIMEOUT_SECONDS:.0f} s. Look at it with: tmux -S {self.socket_path} ls"
                ) from error
            return _Answer(command, process.returncode, stdout, stderr)


class Tmux:
    """The runtime: one tmux session for each worker; its handle is the socket's path and the
    session's name. `socket_name` is that of the server for new ones.
    """

    def __init__(self, socket_name: str) -> None:
        self._socket = os.path.join(_socket_directory(), socket_name)

    def handle_for(self, name: str) -> str:
        """`<socket path>:<name>`."""
        return f"{self._socket}:{name}"

    def launch(self, handle: str, argv: Sequence[str], *, cwd: str) -> int:
        """As `_launching`, and waits."""
        _make_socket_directory(os.path.dirname(socket_of(handle)))
        with self._launching(handle, argv, cwd, []) as launched:
            return launched()

    @contextmanager
    def opening(self, handle: str, script: str, *, cwd: str) -> Iterator[Callable[[], int]]:
        """The pipe that it waits before lies beside the socket."""
        socket = socket_of(handle)
        gate = _gate(f"{socket}.{random_hex(4)}")
        argv = gate.program(script, ["tmux", f"-S{socket}", "kill-pane"])
        heard = list[_Answer]()
        try:
            with self._launching(handle, argv, cwd, heard) as launched:
                yield launched
        except BaseException:
            if not any(answer.says_taken for answer in heard[-1:]):  # else it is another one's
                _quietly(lambda: self.end(handle))
            gate.remove()
            raise
        finally:
            gate.open()

    @contextmanager
    def _launching(
        self, handle: str, argv: Sequence[str], cwd: str, heard: list[_Answer]
    ) -> Iterator[Callable[[], int]]:
        """One call (more with hundreds of variables): options, session, and our environment for
        this session alone. tmux takes no others than those with common names.

        The variables travel over tmux's socket, never a command line or a file; only their
        names are given. A server that this call starts has them in its global environment, too:
        see `inheritance`. What tmux answers is `heard`.
        """
        server, session = _at(handle)
        command, later = _launch_command(session, argv, cwd)
        asked = server.ask(*command)
        with ExitStack() as unheard:
            unheard.callback(_quietly, lambda: heard.append(asked()))

            def launched() -> int:
                unheard.pop_all()
                return int(_answer_to_launch(server, command, asked, heard).stdout[0])

            if later:  # at once: what is still to be removed reaches whoever launches meanwhile
                pid = launched()
                for more in later:
                    server.cmd(*inheritance.UNLESS_CLEAN, more)
                yield lambda: pid
            else:
                yield launched

    def probe(self, handles: Sequence[str]) -> dict[str, Presence]:
        """At once."""
        return self.ask(handles)()

    def ask(self, handles: Sequence[str]) -> Callable[[], dict[str, Presence]]:
        """One `list-panes` for each server. A dead pane is a gone agent."""
        parted = [(one, *one.rpartition(":")) for one in handles]
        asked = {socket: _ask(socket) for socket in {socket for _, socket, *_ in parted}}

        def answer() -> dict[str, Presence]:
            alive = {socket: _alive(one) for socket, one in asked.items()}
            return {one: _presence(session, alive[socket]) for one, socket, _, session in parted}

        return answer

    def is_there(self, handle: str) -> bool:
        """Whether the session exists."""
        server, session = _at(handle)
        return server.cmd("has-session", target=f"={session}").returncode == 0

    def screen(self, handle: str) -> str:
        """The last 200 lines."""
        server, session = _at(handle)
        try:
            answer = server.cmd("capture-pane", "-p", "-S", "-200", target=f"={session}:")
        except RuntimeUnavailable:
            return ""
        lines = [line.rstrip() for line in answer.stdout]
        return "\n".join(line for line in lines if line and not line.startswith(_DEAD_PANE))

    def look(self, handle: str) -> Screen | None:
        """Cursor and screen in one call: nothing changes between the two."""
        server, session = _at(handle)
        state = "#{cursor_x} #{cursor_y} #{pane_in_mode} #{pane_dead}"
        capture = (";", "capture-pane", "-p", "-e", "-t", f"={session}:")
        try:
            answer = server.cmd("display-message", "-p", state, *capture, target=f"={session}:")
        except RuntimeUnavailable:
            return None
        numbers = answer.stdout[0].split() if answer.stdout and not answer.returncode else []
        if len(numbers) != 4 or numbers[3] != "0":
            return None
        column, row, mode, _ = map(int, numbers)
        return Screen(tuple(answer.stdout[1:]), (column, row), mode > 0)

    def paste(self, handle: str, line: str) -> None:
        """Bracketed, from a buffer of our own."""
        server, session = _at(handle)
        buffer = ("-b", "worker-manager")
        paste = (";", "paste-buffer", "-p", "-d", *buffer, "-t", f"={session}:")
        answer = server.cmd("set-buffer", *buffer, "--", _word(line), *paste)
        if answer.returncode:
            raise _unavailable(answer)

    def press(self, handle: str, key: str) -> bool:
        """tmux looks and presses in one step: in copy mode a key would be a command of tmux."""
        server, session = _at(handle)
        target = f"={session}:"
        refuse, press = "display-message -p scrolled", f"send-keys -t '{target}' {key}"
        answer = server.cmd("if-shell", "-F", "#{pane_in_mode}", refuse, press, target=target)
        if answer.returncode:
            raise _unavailable(answer)
        return not answer.stdout

    def end(self, handle: str) -> None:
        """Ends the session of exactly this name."""
        server, session = _at(handle)
        answer = server.cmd("kill-session", target=f"={session}")
        if answer.returncode and not answer.says_absent:
            raise _unavailable(answer)

    def attach_command(self, handle: str) -> list[str]:
        """`tmux attach` to exactly this session."""
        socket, _, session = handle.rpartition(":")
        return ["tmux", "-S", socket, "attach-session", "-t", f"={session}"]


def socket_of(handle: str) -> str:
    """The path of the socket of the tmux server that a handle leads to."""
    return handle.rpartition(":")[0]


def _at(handle: str) -> tuple[_Server, str]:
    socket, _, session = handle.rpartition(":")
    return _server(socket), session


def _server(socket: str) -> _Server:
    return _Server(socket_path=socket)


def _ask(socket: str) -> Callable[[], _Answer] | None:
    with suppress(RuntimeUnavailable):
        return _server(socket).ask("list-panes", "-a", "-F", "#{session_name} #{pane_dead}")
    return None


def _quietly(asked: Callable[[], object]) -> None:
    with suppress(RuntimeUnavailable):
        asked()


def _gate(path: str) -> Gate:
    _make_socket_directory(os.path.dirname(path))
    try:
        return Gate(path)
    except OSError as error:
        raise RuntimeUnavailable(
            f"{path} can't be made: {error.strerror}. Free or repair the disk, or set TMUX_TMPDIR "
            "to a directory elsewhere."
        ) from error


def _alive(asked: Callable[[], _Answer] | None) -> set[str] | None:
    """The sessions whose program runs; None when the server didn't say."""
    try:
        answer = asked() if asked else None
    except RuntimeUnavailable:
        return None
    if answer is None or (answer.returncode and not answer.says_absent):
        return None
    return {line.split()[0] for line in answer.stdout if line.endswith(" 0")}


def _presence(session: str, alive: set[str] | None) -> Presence:
    if alive is None:
        return Presence.UNKNOWN
    return Presence.ALIVE if session in alive else Presence.GONE


def _socket_directory() -> str:
    """Where tmux itself keeps its sockets, so that `tmux -L` finds ours too."""
    base = os.environ.get("TMUX_TMPDIR", "")
    if not os.path.isdir(base):
        base = "/tmp"  # noqa: S108  tmux's own choice; _make_socket_directory checks whose it is
    return os.path.join(os.path.realpath(base), _OWN_FOLDER)


def _make_socket_directory(path: str) -> None:
    """tmux makes it for `-L` only. Raises RuntimeUnavailable when it is not ours alone."""
    try:
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
        status = os.lstat(path)
    except OSError as error:
        raise RuntimeUnavailable(
            f"The directory {path} for tmux's sockets can't be made: {error.strerror}. "
            "Set TMUX_TMPDIR to a directory that is yours."
        ) from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise RuntimeUnavailable(
            f"{path} is no directory of yours alone. Set TMUX_TMPDIR to one that is."
        )


def _launch_command(session: str, argv: Sequence[str], cwd: str) -> tuple[list[str], list[str]]:
    """The command that launches, and what is to be removed from the server after it."""
    environment = sorted(_own_environment())
    names = [name for name in environment if name.isidentifier()]
    prepare = ["-g", "update-environment", " ".join(names)]
    for option in (("remain-on-exit", "on"), ("history-limit", "20000"), ("mouse", "on")):
        prepare += [";", "set-option", "-g", *option]
    prepare += [";", *inheritance.NOTE_STARTER, ";", *inheritance.UNLESS_CLEAN]
    form = ("-x", "200", "-y", "50", "-P", "-F", "#{pane_pid}")
    begin = [";", "new-session", "-d", "-s", inheritance.guarded(session), *form]
    begin += ["-c", _word(_literal(cwd)), "--", *map(_word, argv)]
    room = inheritance.COMMAND_LIMIT_BYTES - inheritance.size([*prepare, *begin])
    if room < 0:
        raise RuntimeUnavailable(
            f"The environment has {len(names)} variables, more than tmux takes. "
            "Start Claude Code with a smaller environment."
        )
    removal, *later = inheritance.removal(environment, room)
    return ["set-option", *prepare, removal, *begin], later


def _answer_to_launch(
    server: _Server, command: Sequence[str], asked: Callable[[], _Answer], heard: list[_Answer]
) -> _Answer:
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
            raise _unavailable(answer)
        if time.monotonic() > deadline:
            raise RuntimeUnavailable(
                f"Another session began to start tmux (socket {server.socket_path}) and has not "
                f"ended that. Try again; look at it with: tmux -S {server.socket_path} ls"
            )
        time.sleep(0.05)
        asked = server.ask(*command)


def _word(text: str) -> str:
    """tmux reads a `;` at the end of a word as the end of a command."""
    return f"{text[:-1]}\\;" if text.endswith(";") else text


def _literal(path: str) -> str:
    """tmux expands formats in a directory, `#(command)` among them."""
    return path.replace("#", "##")


def _own_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_A_PANE}


def _unavailable(answer: _Answer) -> RuntimeUnavailable:
    said = " ".join(answer.stderr) or "(no message)"
    way_out = (
        ". Set TMUX_TMPDIR to a shorter directory." if os.strerror(ENAMETOOLONG) in said else ""
    )
    return RuntimeUnavailable(f"tmux failed with code {answer.returncode}: {said}{way_out}")
