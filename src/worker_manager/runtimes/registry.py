"""The table of runtimes: here alone one is picked."""

from worker_manager.runtimes.base import Runtime
from worker_manager.runtimes.tmux.runtime import Tmux


def open_runtime(tmux_socket: str = "") -> Runtime:
    """The place where workers live; new ones on the tmux server of this name. Without a name it
    serves only workers that have a handle.
    """
    return Tmux(tmux_socket)
