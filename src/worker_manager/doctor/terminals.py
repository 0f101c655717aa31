"""Checks the tmux servers of our workers: do they answer, and are their sockets stale?"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
from contextlib import suppress
from pathlib import Path

import psutil

from worker_manager import config
from worker_manager.doctor.findings import Finding, Place, Verdict, failed, ok, unknown, warning
from worker_manager.doctor.programs import try_session
from worker_manager.domain.identifiers import random_hex
from worker_manager.errors import InvalidSetting, RuntimeUnavailable
from worker_manager.processes.probes import ask
from worker_manager.runtimes.tmux.runtime import Tmux, socket_of
from worker_manager.runtimes.tmux.server import TIMEOUT_SECONDS
from worker_manager.state.layout import repository_directory
from worker_manager.state.workers.records import Records

ABOUT = "tmux server"


def servers(place: Place) -> list[Finding]:
    """Checks each server that holds a worker of this repository, and the one the next would use."""
    paths = sorted(_sockets(place))
    return [_server(path) for path in paths] or [unknown(ABOUT, "the settings don't say which.")]


def _sockets(place: Place) -> set[str]:
    records = Records(repository_directory(place.root, place.directory))
    handles = [worker.handle for worker in records.all() if not worker.finished]
    with suppress(InvalidSetting):  # has a line of its own
        chosen = config.load(Path(place.directory), place.environ).tmux_socket
        handles.append(Tmux(chosen).handle_for("any"))
    return set(map(socket_of, handles))


def _server(path: str) -> Finding:
    if not os.path.lexists(path):
        return _startable(path)
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        return failed(ABOUT, f"{path} is no socket, so tmux can't start there.", f"rm {path}")
    refusal = _refusal(path)
    if refusal == errno.ECONNREFUSED:
        return _stale(path)
    if refusal:
        says = f"{path} can't be connected to: {os.strerror(refusal)}."
        return failed(ABOUT, says, f"ls -l {path}")
    return _answering(path)


def _startable(path: str) -> Finding:
    """Starts a server at a socket beside: at the path itself a worker may start at this moment."""
    folder, name = os.path.split(path)
    try:
        try_session(os.path.join(folder, random_hex(len(name))[: len(name)]), cwd=os.sep)
    except RuntimeUnavailable as error:
        says = f"none can start at {path}: {error}"
        return failed(ABOUT, says, "set TMUX_TMPDIR to a short directory that is yours")
    return ok(ABOUT, f"none runs at {path}; the next worker starts it.")


def _refusal(path: str) -> int:
    """Returns the error number of a connection to a socket; 0 when somebody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(TIMEOUT_SECONDS)
        try:
            client.connect(path)
        except OSError as error:
            return error.errno or errno.ETIMEDOUT
    return 0


def _stale(path: str) -> Finding:
    """A socket whose server has ended without removing it."""

    def fix() -> str:
        if _refusal(path) == errno.ECONNREFUSED:  # somebody may listen by now
            os.unlink(path)
        return f"{path} is removed."

    return Finding(ABOUT, Verdict.WARNING, f"nobody listens at {path}.", f"rm {path}", fix)


def _answering(path: str) -> Finding:
    tmux = shutil.which("tmux")
    if tmux is None:
        return unknown(ABOUT, "there is no tmux to ask it.")
    answer = ask([tmux, "-S", path, "list-sessions", "-F", "#{session_name}"], seconds=5)
    if answer.trouble:
        says = f"the server at {path} does not answer; its workers may well live."
        return failed(ABOUT, says, _waking(path))
    if answer.code:
        return warning(ABOUT, f"{path}: {answer.error.strip()}", f"tmux -S {path} ls")
    return ok(ABOUT, f"the one at {path} answers; sessions in it: {len(answer.text.splitlines())}.")


def _waking(path: str) -> str:
    """Returns how to continue the server's process, if it is stopped."""
    pid = _listener(path)
    if pid is None:
        return f"look what keeps it: fuser {path}"
    if _is_stopped(pid):
        return f"kill -CONT {pid}"
    return f"wait, or look what keeps it: ps -o stat,wchan,cmd -p {pid}"


def _listener(path: str) -> int | None:
    try:
        connections = psutil.net_connections("unix")
    except (psutil.Error, OSError):  # macOS: only root may look
        return None
    return next(
        (
            connection.pid
            for connection in connections
            if str(connection.laddr) == path and connection.pid
        ),
        None,
    )


def _is_stopped(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False
