"""Workers in tmux sessions: the runtime."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from worker_manager.domain.identifiers import random_hex
from worker_manager.domain.screen import Screen
from worker_manager.errors import RuntimeUnavailable
from worker_manager.runtimes.base import Presence
from worker_manager.runtimes.tmux import environment as inheritance
from worker_manager.runtimes.tmux.gate import Gate
from worker_manager.runtimes.tmux.launch import answer_to_launch, launch_command, quoted_word
from worker_manager.runtimes.tmux.server import (
    Answer,
    Server,
    make_socket_directory,
    socket_directory,
    unavailable,
)

#: What tmux itself writes below a program that has ended.
_DEAD_PANE = "Pane is dead ("


class Tmux:
    """The runtime: one tmux session for each worker; its handle is the socket's path and the
    session's name. `socket_name` is that of the server for new ones.
    """

    def __init__(self, socket_name: str) -> None:
        self._socket = os.path.join(socket_directory(), socket_name)

    def handle_for(self, name: str) -> str:
        """`<socket path>:<name>`."""
        return f"{self._socket}:{name}"

    def launch(self, handle: str, argv: Sequence[str], *, cwd: str) -> int:
        """As `_launching`, and waits."""
        make_socket_directory(os.path.dirname(socket_of(handle)))
        with self._launching(handle, argv, cwd, []) as launched:
            return launched()

    @contextmanager
    def opening(self, handle: str, script: str, *, cwd: str) -> Iterator[Callable[[], int]]:
        """The pipe that it waits before lies beside the socket."""
        socket = socket_of(handle)
        gate = _gate(f"{socket}.{random_hex(4)}")
        argv = gate.program(script, ["tmux", f"-S{socket}", "kill-pane"])
        heard = list[Answer]()
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
        self, handle: str, argv: Sequence[str], cwd: str, heard: list[Answer]
    ) -> Iterator[Callable[[], int]]:
        """One call (more with hundreds of variables): options, session, and our environment for
        this session alone. tmux takes no others than those with common names.

        The variables travel over tmux's socket, never a command line or a file; only their
        names are given. A server that this call starts has them in its global environment, too:
        see `inheritance`. What tmux answers is `heard`.
        """
        server, session = _at(handle)
        command, later = launch_command(session, argv, cwd)
        asked = server.ask(*command)
        with ExitStack() as unheard:
            unheard.callback(_quietly, lambda: heard.append(asked()))

            def launched() -> int:
                unheard.pop_all()
                return int(answer_to_launch(server, command, asked, heard).stdout[0])

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
        answer = server.cmd("set-buffer", *buffer, "--", quoted_word(line), *paste)
        if answer.returncode:
            raise unavailable(answer)

    def press(self, handle: str, key: str) -> bool:
        """tmux looks and presses in one step: in copy mode a key would be a command of tmux."""
        server, session = _at(handle)
        target = f"={session}:"
        refuse, press = "display-message -p scrolled", f"send-keys -t '{target}' {key}"
        answer = server.cmd("if-shell", "-F", "#{pane_in_mode}", refuse, press, target=target)
        if answer.returncode:
            raise unavailable(answer)
        return not answer.stdout

    def end(self, handle: str) -> None:
        """Ends the session of exactly this name."""
        server, session = _at(handle)
        answer = server.cmd("kill-session", target=f"={session}")
        if answer.returncode and not answer.says_absent:
            raise unavailable(answer)

    def attach_command(self, handle: str) -> list[str]:
        """`tmux attach` to exactly this session."""
        socket, _, session = handle.rpartition(":")
        return ["tmux", "-S", socket, "attach-session", "-t", f"={session}"]


def socket_of(handle: str) -> str:
    """The path of the socket of the tmux server that a handle leads to."""
    return handle.rpartition(":")[0]


def _at(handle: str) -> tuple[Server, str]:
    socket, _, session = handle.rpartition(":")
    return _server(socket), session


def _server(socket: str) -> Server:
    return Server(socket_path=socket)


def _ask(socket: str) -> Callable[[], Answer] | None:
    with suppress(RuntimeUnavailable):
        return _server(socket).ask("list-panes", "-a", "-F", "#{session_name} #{pane_dead}")
    return None


def _quietly(asked: Callable[[], object]) -> None:
    with suppress(RuntimeUnavailable):
        asked()


def _gate(path: str) -> Gate:
    make_socket_directory(os.path.dirname(path))
    try:
        return Gate(path)
    except OSError as error:
        raise RuntimeUnavailable(
            f"{path} can't be made: {error.strerror}. Free or repair the disk, or set TMUX_TMPDIR "
            "to a directory elsewhere."
        ) from error


def _alive(asked: Callable[[], Answer] | None) -> set[str] | None:
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
